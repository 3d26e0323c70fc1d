// fhir-kit-client, as it comes from npm, at work with the hub; prints what happened as one JSON object.
import { Client } from "fhir-kit-client";

const { BASE: baseUrl, TOKEN: bearerToken, CLIENT: patient } = process.env;
const client = new Client({ baseUrl, bearerToken });
const seen = {};
const status = (resource) => Client.httpFor(resource).response.status;

const smart = await client.smartAuthMetadata();
seen.token = String(smart.tokenUrl);
seen.fhirVersion = (await client.capabilityStatement()).fhirVersion;

const weight = (day) => ({
  resourceType: "Observation",
  status: "final",
  code: { coding: [{ system: "http://loinc.org", code: "29463-7" }] },
  subject: { reference: patient },
  effectiveDateTime: `2026-11-${String(day).padStart(2, "0")}`,
  valueQuantity: { value: 70 + day, unit: "kg", system: "http://unitsofmeasure.org", code: "kg" },
});
const made = [];
for (let day = 1; day <= 7; day += 1) made.push(await client.create({ resourceType: "Observation", body: weight(day) }));
seen.created = made.map(status);
const { id } = made[0];

const patched = await client.patch({
  resourceType: "Observation", id, jsonPatch: [{ op: "replace", path: "/status", value: "amended" }],
});
seen.patched = patched.status;
const updated = await client.update({ resourceType: "Observation", id, body: { ...patched, status: "corrected" } });
seen.updated = updated.meta.versionId;
seen.vread = (await client.vread({ resourceType: "Observation", id, version: "1" })).status;
seen.history = (await client.history({ resourceType: "Observation", id })).entry.map((e) => e.resource.meta.versionId);
seen.typeHistory = (await client.history({ resourceType: "Observation" })).entry.length;
seen.systemHistory = (await client.history()).type;

const days = (bundle) => bundle.entry.map((e) => e.resource.effectiveDateTime);
let page = await client.search({ resourceType: "Observation", searchParams: { patient, _count: 3, _sort: "date" } });
seen.pages = [days(page)];
while (page.link.some((l) => l.relation === "next")) {
  page = await client.nextPage({ bundle: page });
  seen.pages.push(days(page));
}
seen.back = days(await client.prevPage({ bundle: page }));
seen.form = (await client.search({
  resourceType: "Observation", searchParams: { patient, date: "ge2026-11-05" }, options: { postSearch: true },
})).entry.length;
const compartment = { resourceType: "Patient", id: patient.split("/")[1] };
seen.compartment = (await client.search({ resourceType: "Observation", compartment })).entry.length;
seen.system = (await client.systemSearch({ searchParams: { _type: "Observation,Patient", _count: 50 } })).entry.length;

const transaction = await client.transaction({
  body: {
    resourceType: "Bundle",
    type: "transaction",
    entry: [
      { resource: weight(20), request: { method: "POST", url: "Observation" } },
      { request: { method: "DELETE", url: `Observation/${made[6].id}` } },
    ],
  },
});
seen.transaction = transaction.entry.map((e) => e.response.status.slice(0, 3));
const batch = await client.batch({
  body: {
    resourceType: "Bundle",
    type: "batch",
    entry: [
      { request: { method: "GET", url: `Observation/${id}` } },
      { request: { method: "GET", url: "Observation/nobody" } },
    ],
  },
});
seen.batch = batch.entry.map((e) => e.response.status.slice(0, 3));
const everything = await client.operation({ name: "everything", resourceType: "Patient", id: compartment.id, method: "GET" });
seen.everything = everything.entry.filter((e) => e.resource.resourceType === "Observation").length;
await client.delete({ resourceType: "Observation", id });
try {
  await client.read({ resourceType: "Observation", id });
} catch (error) {
  seen.gone = error.response.status;
}
console.log(JSON.stringify(seen));
