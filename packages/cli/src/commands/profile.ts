import type { Command } from "commander";
import type { Bind, Cli } from "../cli.ts";
import { configPath, type Profile, profileName, readConfig, writeConfig } from "../config-file.ts";
import { UsageError } from "../failure.ts";
import { showRecords } from "../show.ts";

const secretOf = async (cli: Cli): Promise<string> => {
  const { key } = cli.flags;
  if (key === "-") {
    let text = "";
    for await (const chunk of cli.io.stdin) text += String(chunk);
    return text.trim();
  }
  const secret = key ?? cli.io.env["BULKHEAD_KEY"] ?? "";
  if (secret === "")
    throw new UsageError("which key? set BULKHEAD_KEY, or pass --key - and the key on stdin");
  return secret;
};

const add = async (cli: Cli, name: string, standard: boolean): Promise<void> => {
  if (!profileName.test(name))
    throw new UsageError("a profile's name is two or more letters, digits, '.', '_' or '-'");
  const url = cli.flags.url ?? cli.io.env["BULKHEAD_URL"] ?? "";
  if (!/^https?:$/.test(URL.parse(url)?.protocol ?? ""))
    throw new UsageError("which server? pass --url http://… or set BULKHEAD_URL");
  const { workspacePrefix } = cli.flags;
  const profile: Profile = {
    url,
    key: await secretOf(cli),
    ...(workspacePrefix !== undefined && { workspacePrefix }),
  };
  const config = await readConfig(cli.io.env);
  await writeConfig(cli.io.env, {
    default: standard || config.default === undefined ? name : config.default,
    profiles: { ...config.profiles, [name]: profile },
  });
  cli.out.note(`Stored in ${configPath(cli.io.env)}; try: bulkhead ls ${name}:/`);
};

const remove = async (cli: Cli, name: string): Promise<void> => {
  const { default: standard, profiles } = await readConfig(cli.io.env);
  if (!Object.hasOwn(profiles, name)) throw new UsageError(`there is no profile '${name}'`);
  const { [name]: _, ...rest } = profiles;
  await writeConfig(cli.io.env, {
    ...(standard !== undefined && standard !== name && { default: standard }),
    profiles: rest,
  });
};

export const addProfile = (program: Command, bind: Bind): void => {
  const profile = program.command("profile").description("keep servers and keys under a name");
  profile
    .command("add")
    .description("store --url and --key (BULKHEAD_URL, BULKHEAD_KEY; --key - reads stdin)")
    .argument("<name>")
    .option("--default", "use it where none is named; the first one is")
    .action(
      bind((cli, name: string, flags: { readonly default?: boolean }) =>
        add(cli, name, flags.default === true),
      ),
    );
  profile
    .command("list")
    .description("list what is stored, without the keys")
    .action(
      bind(async (cli) => {
        const { default: standard, profiles } = await readConfig(cli.io.env);
        const rows = Object.entries(profiles).map(([name, { url, workspacePrefix }]) => ({
          name,
          url,
          workspacePrefix: workspacePrefix ?? null,
          default: name === standard,
        }));
        async function* all() {
          yield* rows;
        }
        await showRecords(cli, all(), [
          { title: "NAME", value: ({ name }) => name },
          { title: "URL", value: ({ url }) => url },
          { title: "PREFIX", value: (row) => row.workspacePrefix ?? "-" },
          { title: "", value: (row) => (row.default ? "default" : "") },
        ]);
      }),
    );
  profile
    .command("remove")
    .description("forget a server and its key")
    .argument("<name>")
    .action(bind((cli, name: string) => remove(cli, name)));
};
