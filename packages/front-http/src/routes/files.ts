import { listPage } from "@bulkhead/wire";
import { z } from "zod";
import type { Route } from "../call.ts";
import {
  begunJob,
  changing,
  contentAnswers,
  done,
  looking,
  paging,
  type QueryParameter,
  statWith,
} from "../describe.ts";
import { listFiles, statFile } from "./list-files.ts";
import { readFile } from "./read-file.ts";
import { appendFile, deleteFile, writeFile } from "./write-file.ts";

const recursive: QueryParameter = {
  name: "recursive",
  does: "Whatever is below, too.",
  schema: z.enum(["true", "false"]),
};

/** Files and directories by their paths. Each stands for all that begins with it. */
export const fileRoutes: readonly Route[] = [
  {
    method: "GET",
    url: "/v1/files",
    id: "readFile",
    does: "The content; `?version=` an earlier one. `Range` (one range), `If-Match`, `If-None-Match`, `If-Modified-Since`, `If-Range`. 200, 206, 304.",
    query: [
      {
        name: "version",
        does: "A version of the content that `GET /v1/versions/{path}` names.",
        schema: z.string(),
      },
    ],
    headers: [
      "Range",
      "If-Match",
      "If-None-Match",
      "If-Modified-Since",
      "If-Unmodified-Since",
      "If-Range",
    ],
    answers: contentAnswers,
    refuses: [...looking, "precondition-failed", "range-not-satisfiable"],
    run: readFile,
  },
  {
    method: "PUT",
    url: "/v1/files",
    id: "writeFile",
    does: "Writes the body and makes missing parents. `If-Match`, `If-None-Match: *`, `Content-Digest`, `Repr-Digest`. 201 created, 200 replaced, with the stat.",
    headers: ["If-Match", "If-None-Match", "Content-Digest", "Repr-Digest", "Bulkhead-Meta-{name}"],
    takes: "bytes",
    answers: {
      ...statWith(201, "Nothing stood there."),
      ...statWith(200, "It took the place of what stood there."),
    },
    refuses: changing,
    run: writeFile,
  },
  {
    method: "DELETE",
    url: "/v1/files",
    id: "removeFile",
    does: "Removes a file or an empty directory; `?recursive=true` whatever is there. `If-Match`. 204, or 202 with a job.",
    query: [recursive],
    headers: ["If-Match"],
    answers: { ...done, ...begunJob },
    refuses: changing,
    run: deleteFile,
  },
  {
    method: "POST",
    url: "/v1/append",
    id: "appendFile",
    does: "Appends the body in one step; makes file and parents. 200 with the stat.",
    headers: ["Content-Digest", "Repr-Digest"],
    takes: "bytes",
    answers: statWith(200, "What stands there now."),
    refuses: changing,
    run: appendFile,
  },
  {
    method: "GET",
    url: "/v1/stat",
    id: "statFile",
    does: "What is known of a file or directory.",
    answers: statWith(200, "What stands there."),
    refuses: looking,
    run: statFile,
  },
  {
    method: "GET",
    url: "/v1/list",
    id: "listFiles",
    does: "A page of a directory: `{ entries, next }`. `?limit=` (1,000 at most), `?after=`, `?recursive=true`.",
    query: [...paging, recursive],
    answers: { 200: { does: "A page.", json: listPage, headers: ["Link"] } },
    refuses: looking,
    run: listFiles,
  },
];
