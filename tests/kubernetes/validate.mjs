// Check documents against what the custom resource definitions say: node validate.mjs DOCUMENTS.json
// Prints a list with null, or the fault, for each. Unknown fields are not among the faults: see schemas.py.
import { readFileSync } from "node:fs";

const faults = [];
for (const { module, document } of JSON.parse(readFileSync(process.argv[2], "utf8"))) {
  const models = await import(module);
  try {
    new models[document.kind](document).validate();
    faults.push(null);
  } catch (error) {
    faults.push(error.message);
  }
}
console.log(JSON.stringify(faults));
