import { type Database, toJson } from "./database.ts";
import { functionCall } from "./function-call.ts";
import { isUuid } from "./is-uuid.ts";
import { platformUid } from "./types.ts";
import type { UploadOwner, UploadRow, Uploads } from "./types-uploads.ts";

const statements = {
  create: functionCall("upload_create_v1", 10),
  get: functionCall("upload_get_v1", 4),
  claim: functionCall("upload_claim_v1", 6),
  keep: functionCall("upload_keep_v1", 8),
  end: functionCall("upload_end_v1", 2),
  reserve: functionCall("upload_reserve_v1", 4),
  committed: functionCall("upload_committed_v1", 1),
  lapse: functionCall("uploads_lapse_v1", 1),
  known: functionCall("uploads_known_v1", 1),
} as const;

/** Uploads that are ended together. */
const batch = 100;

type Row = Omit<UploadRow, "charged" | "claim"> & {
  readonly charged: string;
  readonly claim: string | null;
  readonly busy?: boolean;
};

const uploadOf = ({ charged, claim, ...row }: Row): UploadRow => ({
  ...row,
  charged: charged === platformUid ? undefined : charged,
  claim: claim ?? undefined,
});

/** Keeps what is known of uploads: as `bulkhead_app`, and in the background what nobody goes on with. */
export const createUploads = (hot: Database, background: Database): Uploads => {
  const owner = ({ tenant, keyId, subject }: UploadOwner): readonly string[] => [
    tenant ?? platformUid,
    keyId,
    subject,
  ];
  return {
    create: async (by, { charged, store, path, size, facts }, expiryMs, most) => {
      const [tenant, keyId, subject] = owner(by);
      const about = [store, path, size, toJson(facts), expiryMs, most];
      return uploadOf(
        await hot.call<Row>(statements.create, [
          tenant,
          charged ?? platformUid,
          keyId,
          subject,
          ...about,
        ]),
      );
    },
    get: async (by, id) => {
      if (!isUuid(id)) return undefined;
      const row = await hot.call<Row | null>(statements.get, [...owner(by), id]);
      return row === null ? undefined : uploadOf(row);
    },
    claim: async (by, id, writer, leaseMs) => {
      if (!isUuid(id)) return undefined;
      const row = await hot.call<Row | null>(statements.claim, [...owner(by), id, writer, leaseMs]);
      if (row === null) return undefined;
      return row.busy === true ? "busy" : uploadOf(row);
    },
    keep: (tenant, id, writer, { stored, claim, done = false, leaseMs, expiryMs }) =>
      hot.call<boolean>(statements.keep, [
        tenant ?? platformUid,
        id,
        writer,
        stored ?? null,
        claim ?? null,
        done,
        leaseMs,
        expiryMs,
      ]),
    end: async (tenant, id) => {
      await hot.call<null>(statements.end, [tenant ?? platformUid, id]);
    },
    reserve: async (charged, id, total, expiryMs) =>
      (await hot.call<string | null>(statements.reserve, [charged, id, total, expiryMs])) !== null,
    committed: (claim) => hot.call<boolean>(statements.committed, [claim]),
    lapse: async () => Number(await background.call<string>(statements.lapse, [batch])),
    known: async (ids) =>
      new Set(await background.call<string[]>(statements.known, [ids.filter(isUuid)])),
  };
};
