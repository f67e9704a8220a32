import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** A copy of the checkout in which anything may be broken. */
export interface Scratch {
  readonly root: string;
  readonly remove: () => void;
}

/** What tools keep for themselves beside the packages. */
const caches: ReadonlySet<string> = new Set([".cache", ".vite", ".vitest", "@bulkhead"]);

const linkPackages = (from: string, to: string): void => {
  if (!existsSync(from)) return;
  mkdirSync(to, { recursive: true });
  for (const name of readdirSync(from))
    if (!caches.has(name)) symlinkSync(realpathSync(join(from, name)), join(to, name));
};

/** Copies what git knows or would add, with the packages of the checkout linked; our own are those of the copy. */
export const scratchCopy = (checkout: string): Scratch => {
  const root = mkdtempSync(join(tmpdir(), "bulkhead-scratch-"));
  const remove = (): void => rmSync(root, { recursive: true, force: true });
  try {
    const listed = execFileSync(
      "git",
      ["ls-files", "-z", "--cached", "--others", "--exclude-standard"],
      { cwd: checkout, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 },
    );
    for (const file of listed.split("\0")) {
      if (file === "" || !existsSync(join(checkout, file))) continue;
      mkdirSync(dirname(join(root, file)), { recursive: true });
      copyFileSync(join(checkout, file), join(root, file));
    }
    linkPackages(join(checkout, "node_modules"), join(root, "node_modules"));
    const own = join(root, "node_modules", "@bulkhead");
    mkdirSync(own);
    for (const name of readdirSync(join(root, "packages"))) {
      symlinkSync(join(root, "packages", name), join(own, name));
      const below = join("packages", name, "node_modules");
      linkPackages(join(checkout, below), join(root, below));
    }
    return { root, remove };
  } catch (error) {
    remove();
    throw error;
  }
};
