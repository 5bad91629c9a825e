// Every TraceQL query of the boards named on the command line must parse: Grafana's own grammar.
import { readFileSync } from 'node:fs';
import { parser } from '@grafana/lezer-traceql';

// What a reader's choice may put in the place of a variable.
const chosen = (query) => query.replace(/\$\{\w+(:\w+)?\}/g, 'abc|.+');

function fault(query) {
  let at = -1;
  parser.parse(chosen(query)).iterate({ enter: (node) => { if (node.type.isError && at < 0) at = node.from; } });
  return at;
}

if (fault('{ span.a = ') < 0) throw new Error('the grammar accepts anything');
let seen = 0, bad = 0;
for (const path of process.argv.slice(2)) {
  const board = JSON.parse(readFileSync(path, 'utf8'));
  for (const panel of board.panels.flatMap((p) => [p, ...(p.panels ?? [])])) {
    for (const target of panel.targets ?? []) {
      if (target.queryType !== 'traceql') continue;
      seen += 1;
      const at = fault(target.query);
      if (at >= 0) { bad += 1; console.error(`${board.uid}: ${panel.title}: ${target.query} (at ${at})`); }
    }
  }
}
console.log(`${seen} TraceQL queries, ${bad} do not parse`);
process.exit(bad || !seen ? 2 : 0);
