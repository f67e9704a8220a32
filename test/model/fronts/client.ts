import { BulkheadError, RemoteFS } from "@bulkhead/client";
import type { Operation } from "../call.ts";
import {
  bodyOf,
  grantedOf,
  lineOf,
  mintedOf,
  objectOf,
  statOf,
  subjectOf,
  versionOf,
} from "./bodies.ts";
import type { Front, Spoken } from "./front.ts";

const act = async (fs: RemoteFS, operation: Operation): Promise<Spoken> => {
  const said = (json: unknown): Spoken => ({
    body: bodyOf(operation, json),
    minted: mintedOf(operation, json),
    granted: grantedOf(operation, json),
  });
  switch (operation.op) {
    case "stat":
      return { body: statOf(await fs.stat(operation.path)) };
    case "read": {
      const bytes = await fs.readFile(operation.path, {
        range: operation.range,
        version: operation.version,
      });
      return { body: { content: Buffer.from(bytes).toString("latin1") } };
    }
    case "versions": {
      const entries: string[] = [];
      for await (const entry of fs.versions(operation.path)) entries.push(versionOf(entry));
      return { body: { entries } };
    }
    case "restore":
      return said(await fs.restore(operation.path, operation.version ?? ""));
    case "list": {
      const { path, recursive, pageSize } = operation;
      const entries = await fs.readdir(path, { recursive, pageSize, withFileTypes: true });
      return { body: { entries: entries.map(lineOf) } };
    }
    case "write": {
      const { path, content, mode, etag, type, meta } = operation;
      return said(
        await fs.writeFile(path, content, {
          ifMatch: etag,
          flag: mode === "create" ? "wx" : "w",
          contentType: type,
          ...(meta !== undefined && { metadata: { note: meta } }),
        }),
      );
    }
    case "append":
      return said(await fs.appendFile(operation.path, operation.content));
    case "mkdir":
      await fs.mkdir(operation.path, { recursive: operation.parents });
      return {};
    case "remove":
      await fs.rm(operation.path, { recursive: operation.recursive, ifMatch: operation.etag });
      return {};
    case "copy":
    case "move": {
      const { from, to, overwrite, etag } = operation;
      await fs[operation.op === "copy" ? "cp" : "rename"](from, to, { overwrite, ifMatch: etag });
      return {};
    }
    case "glob": {
      const paths: string[] = [];
      for await (const path of fs.glob(operation.pattern, { path: operation.path }))
        paths.push(path);
      return { body: { paths } };
    }
    case "whoami":
      return said(await fs.whoami());
    case "mint": {
      const { prefix, subject, tenant, scopes, expiresAt } = operation;
      return said(
        await fs.keys.create({
          name: "k",
          tenant,
          workspacePrefix: prefix,
          scopes,
          ...(subject !== undefined && { subject: subjectOf(subject) }),
          ...(expiresAt !== undefined && { expiresAt: new Date(expiresAt).toISOString() }),
        }),
      );
    }
    case "narrow":
      return said(
        await fs.keys.update(operation.id, {
          scopes: operation.scopes,
          workspacePrefix: operation.prefix,
        }),
      );
    case "revoke":
      await fs.keys.revoke(operation.id);
      return {};
    case "rotate":
      return said(await fs.keys.rotate(operation.id, { overlapSeconds: operation.overlapSeconds }));
    case "user": {
      const { tenant, subject, role } = operation;
      return said(await fs.users.create(tenant, { ...subjectOf(subject), role }));
    }
    case "removeUser": {
      const { type, id } = subjectOf(operation.subject);
      await fs.users.delete(operation.tenant, id, { type });
      return {};
    }
    case "group":
      return said(await fs.groups.create(operation.tenant, operation.id));
    case "removeGroup":
      await fs.groups.delete(operation.tenant, operation.id);
      return {};
    case "grant": {
      const { subject, subjectTenant, relation, expiresAt } = operation;
      const ends = expiresAt === undefined ? undefined : new Date(expiresAt).toISOString();
      const granted = { subject, subjectTenant, relation, expiresAt: ends };
      return said(await fs.relations.grant({ ...granted, ...objectOf(operation) }));
    }
    case "ungrant":
      await fs.relations.revoke(operation.id);
      return {};
    case "check": {
      const { subject, subjectTenant, permission } = operation;
      const asked = { subject, subjectTenant, permission, ...objectOf(operation) };
      return said(await fs.relations.check(asked));
    }
    case "create":
      return said(await fs.tenants.create({ id: operation.tenant, root: operation.root }));
    case "suspend":
    case "reactivate":
      return said(await fs.tenants[operation.op](operation.tenant));
    case "limit": {
      const { tenant, bytes, files } = operation;
      return said(await fs.quota.set(tenant, { bytes, files }));
    }
    case "delete":
      await fs.tenants.delete(operation.tenant, {
        confirm: operation.confirmed ? operation.tenant : undefined,
      });
      return {};
    default:
      return operation satisfies never;
  }
};

/** The TypeScript client. */
export const client: Front = {
  name: "client",
  speaks: () => true,
  perform: async ({ url, key, within, fetch }, operation) => {
    const fs = new RemoteFS({
      url,
      apiKey: key,
      fetch,
      retry: false,
      ...(within !== undefined && { workspacePrefix: within }),
    });
    try {
      return await act(fs, operation);
    } catch (error) {
      if (error instanceof BulkheadError) return { code: error.code, status: error.status };
      throw error;
    }
  },
};
