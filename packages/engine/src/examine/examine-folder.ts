import { access, constants, stat } from "node:fs/promises";
import type { Finding } from "@bulkhead/contract";
import { dataDirHolder } from "@bulkhead/ledger";
import { refuseUnfinished } from "../unfinished.ts";
import type { ExamineOptions } from "./examine-options.ts";

/** Looks at the data folder: whether it is there, whole and this user's to read, and who uses it. */
export const examineFolder = async ({
  dataDir,
  databaseUrl,
  answers,
}: ExamineOptions): Promise<readonly Finding[]> => {
  const check = "data folder";
  const there = await stat(dataDir).catch(() => undefined);
  if (there === undefined)
    return [
      {
        check,
        state: "failed",
        detail: `There is no folder ${dataDir}, or this user may not see it.`,
        next: "Name the server's --data-dir (BULKHEAD_DATA_DIR), or start a server, which makes it.",
      },
    ];
  try {
    await access(dataDir, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch {
    return [
      {
        check,
        state: "failed",
        detail: `This user may not read and write ${dataDir}, which is of user ${there.uid}.`,
        next: "Run server and doctor as that user, or give the folder to theirs.",
      },
    ];
  }
  try {
    await refuseUnfinished(dataDir);
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return [{ check, state: "failed", detail, next: "Remove what it left and restore again." }];
  }
  return [
    { check, state: "ok", detail: dataDir },
    ...(databaseUrl === undefined ? [await userOf(dataDir, answers)] : []),
  ];
};

const userOf = async (dataDir: string, answers: boolean | undefined): Promise<Finding> => {
  const check = "process";
  const pid = await dataDirHolder(dataDir);
  if (pid === undefined)
    return answers === true
      ? {
          check,
          state: "warning",
          detail: `A server answers, and none of this machine runs on ${dataDir}.`,
          next: "Name that server's --data-dir, or another --url: they are two installations.",
        }
      : {
          check,
          state: "ok",
          detail: `No server runs on ${dataDir}.`,
          next: "Start it: bulkhead serve --data-dir …",
        };
  return answers === false
    ? {
        check,
        state: "failed",
        detail: `A server with pid ${pid} runs on ${dataDir}, and it is not the one that was asked; a second one on the folder is refused.`,
        next: `Ask that one (its port: ss -tlnp | grep pid=${pid}), or stop it (kill ${pid}), or give the other one a --data-dir of its own.`,
      }
    : { check, state: "ok", detail: `The server with pid ${pid} runs on ${dataDir}.` };
};
