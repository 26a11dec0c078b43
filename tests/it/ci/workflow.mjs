// Reads workflows as GitHub does and as actionlint does; prints one line for each fault, and exits with 1 if there is any.
import fs from 'node:fs';
import { createRequire, register } from 'node:module';
import { pathToFileURL } from 'node:url';

// The parser imports its schema as JSON without saying so, which Node.js 20 and later refuse.
const json = `
import fs from 'node:fs';
export async function load(url, context, next) {
  if (!url.endsWith('.json')) return next(url, context);
  return { format: 'module', shortCircuit: true, source: 'export default ' + fs.readFileSync(new URL(url), 'utf8') };
}`;
register('data:text/javascript,' + encodeURIComponent(json), import.meta.url);

const tools = process.env.NODE_TOOLS;
const faults = [];

async function github(path, content) {
  const module = `${tools}/@actions/workflow-parser/dist/index.js`;
  const { parseWorkflow, convertWorkflowTemplate, NoOperationTraceWriter } = await import(pathToFileURL(module));
  const { context, value } = parseWorkflow({ name: path, content }, new NoOperationTraceWriter());
  if (value) await convertWorkflowTemplate(context, value, undefined, { errorPolicy: 1 });
  for (const error of context.errors.getErrors()) faults.push(`${path}: GitHub: ${error.message}`);
}

// The packaged actionlint is older than configuration variables and this runner.
const newer = [/^undefined variable "vars"/, /^label "ubuntu-24.04" is unknown/];

async function actionlint(path, content) {
  const { createLinter } = createRequire(import.meta.url)(`${tools}/actionlint/node.cjs`);
  const lint = await createLinter();
  for (const { line, column, message } of lint(content, '.github/workflows/deploy.yml')) {
    if (!newer.some((known) => known.test(message))) faults.push(`${path}:${line}:${column}: actionlint: ${message}`);
  }
}

for (const path of process.argv.slice(3)) {
  const content = fs.readFileSync(path, 'utf8');
  await { github, actionlint }[process.argv[2]](path, content);
}
console.log(faults.join('\n'));
process.exit(faults.length === 0 ? 0 : 1);
