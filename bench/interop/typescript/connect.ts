// Connects a customer, as a program would whose client is generated from the
// OpenAPI document: node connect.js URL TOKEN.
import createClient from "openapi-fetch";
import type { components, paths } from "./api.js";

type Step = components["schemas"]["CheckStep"];

function done<T>(answer: { data?: T; error?: components["schemas"]["Problem"] }): T {
  if (answer.error) {
    throw new Error(answer.error.errors.map((e) => `${e.pointer ?? ""} ${e.message}: ${e.hint ?? ""}`).join("\n"));
  }
  return answer.data as T;
}

async function connect(url: string, token: string): Promise<void> {
  const api = createClient<paths>({ baseUrl: url, headers: { Authorization: `Bearer ${token}` } });
  const organization = done(await api.POST("/api/o", {
    params: { header: { "Idempotency-Key": crypto.randomUUID() } }, body: { api_name: "acme", name: "Acme Studios" },
  }));
  const path = { org: organization.api_name, name: "masters" };
  const connection = done(await api.PUT("/api/o/{org}/connections/{name}", {
    params: { path },
    body: { purpose: "source", bucket: "acme-masters", region: "eu-central-1", role_arn: "arn:aws:iam::111122223333:role/media" },
  }));
  const script: string = done(await api.GET("/api/o/{org}/connections/{name}/policies", { params: { path, query: { format: "cli" } }, parseAs: "text" }));
  const begun = done(await api.POST("/api/o/{org}/connections/{name}/checks", { params: { path }, body: { wait: "1ms" } }));
  await api.GET("/api/o/{org}/connections/{name}/checks/{id}/events", { params: { path: { ...path, id: begun.id } }, parseAs: "text" });
  const ended = done(await api.GET("/api/o/{org}/connections/{name}/checks/{id}", { params: { path: { ...path, id: begun.id } } }));
  const steps: Step[] = ended.steps;
  console.log(connection.status, connection.external_ids.length, script.split("\n").length > 1, ended.result ?? "interrupted", steps.length);
}

const [url, token] = process.argv.slice(2);
if (url === undefined || token === undefined) {
  throw new Error("usage: connect URL TOKEN");
}
await connect(url, token);
