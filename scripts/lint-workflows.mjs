// Runs actionlint over workflow files: node scripts/lint-workflows.mjs MODULE FILE...
import { readFileSync } from "node:fs";

const [module, ...files] = process.argv.slice(2);
const { createLinter } = await import(module);

// The packaged actionlint is older than these.
const isKnown = ({ message, kind }) =>
  kind === "runner-label" || message.includes('unknown permission scope "attestations"');

for (const file of files) {
  // It cannot open other files, and stops where a workflow calls one of this repository.
  const text = readFileSync(file, "utf8").replaceAll(/uses: \.\/(.*\.yml)$/gm, "uses: owner/repository/$1@main");
  // One for each file: the module keeps state that a second file breaks.
  const lint = await createLinter();
  for (const { line, column, message } of lint(text, file).filter((found) => !isKnown(found))) {
    console.error(`${file}:${line}:${column}: ${message}`);
    process.exitCode = 1;
  }
}
