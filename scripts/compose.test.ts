import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";

const root = join(import.meta.dirname, "..");
const compose: unknown = parse(readFileSync(join(root, "docker-compose.yml"), "utf8"));

describe("docker-compose.yml", () => {
  it("serves over a PostgreSQL of its own, and keeps both in volumes", () => {
    expect(compose).toMatchObject({
      services: {
        bulkhead: {
          build: ".",
          depends_on: { postgres: { condition: "service_healthy" } },
          environment: {
            BULKHEAD_HOST: "0.0.0.0",
            BULKHEAD_PORT: "2026",
            BULKHEAD_DATA_DIR: "/var/lib/bulkhead",
            BULKHEAD_DATABASE_URL: expect.stringMatching(
              /^postgres:\/\/bulkhead:.+@postgres:5432\/bulkhead$/,
            ),
          },
          volumes: ["data:/var/lib/bulkhead"],
        },
        postgres: {
          image: "postgres:17",
          environment: { POSTGRES_USER: "bulkhead", POSTGRES_DB: "bulkhead" },
          volumes: ["postgres:/var/lib/postgresql/data"],
        },
      },
      volumes: { data: null, postgres: null },
    });
  });

  it("is reachable from this machine alone, unless its user changes that", () => {
    expect(compose).toHaveProperty("services.bulkhead.ports", ["127.0.0.1:2026:2026"]);
    expect(compose).not.toHaveProperty("services.postgres.ports");
  });

  it("runs an image that starts the server", () => {
    const image = readFileSync(join(root, "Dockerfile"), "utf8");
    expect(image).toMatch(/^ENTRYPOINT \["node", "packages\/cli\/dist\/main\.js"\]$/m);
    expect(image).toMatch(/^CMD \["serve"\]$/m);
    expect(image).toMatch(/^USER node$/m);
  });
});
