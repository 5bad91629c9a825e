// Asks Prometheus for the targets of a panel, as Grafana would: variables in, data frames out.
import { FieldType, toDataFrame } from '@grafana/data';

const SECONDS = { s: 1, m: 60, h: 3600, d: 86400 };

export function seconds(text) {
  const found = /^now-(\d+)([smhd])$/.exec(text);
  return found ? found[1] * SECONDS[found[2]] : 86400;
}

export function variables(board, chosen, step) {
  const span = seconds(board.time.from);
  const known = { __rate_interval: `${Math.max(480, step + 120)}s`, __range: `${span}s`, __interval: `${step}s` };
  for (const variable of board.templating.list) {
    known[variable.name] = chosen[variable.name] ?? (variable.type === 'textbox' ? variable.query : '.+');
  }
  return known;
}

export const filled = (text, known) =>
  text.replace(/\$\{?(\w+)(?::\w+)?\}?/g, (whole, name) => known[name] ?? whole);

const named = (target, labels) => {
  if (target.legendFormat && target.legendFormat !== '__auto') {
    return target.legendFormat.replace(/{{\s*(\w+)\s*}}/g, (_, name) => labels[name] ?? '');
  }
  return Object.values(labels).join(' ') || 'value';
};

async function asked(prom, path, parameters) {
  const reply = await (await fetch(`${prom}/api/v1/${path}?${new URLSearchParams(parameters)}`)).json();
  if (reply.status !== 'success') throw new Error(reply.error);
  return reply.data.result;
}

export async function frames(panel, target, { prom, start, end, step, known }) {
  const query = filled(target.expr, known);
  if (target.instant) {
    const found = await asked(prom, 'query', { query, time: end });
    return panel.type === 'table' ? [table(target, found)].filter((f) => f.length) : found.map((s) => series(target, s.metric, [s.value]));
  }
  const found = await asked(prom, 'query_range', { query, start, end, step });
  return found.map((s) => series(target, s.metric, gapped(s.values, step)));
}

// Where a series pauses, a null: lines must not bridge what was not measured.
function gapped(values, step) {
  const out = [];
  values.forEach((point, place) => {
    if (place && point[0] - values[place - 1][0] > 1.5 * step) out.push([values[place - 1][0] + step, null]);
    out.push(point);
  });
  return out;
}

function series(target, labels, values) {
  const name = named(target, labels);
  return toDataFrame({
    refId: target.refId,
    name,
    fields: [
      { name: 'Time', type: FieldType.time, values: values.map((v) => v[0] * 1000) },
      { name, type: FieldType.number, labels, config: {}, values: values.map((v) => (v[1] === null ? null : +v[1])) },
    ],
  });
}

function table(target, found) {
  const labels = [...new Set(found.flatMap((s) => Object.keys(s.metric)))];
  return toDataFrame({
    refId: target.refId,
    fields: [
      { name: 'Time', type: FieldType.time, values: found.map((s) => s.value[0] * 1000) },
      ...labels.map((label) => ({ name: label, type: FieldType.string, values: found.map((s) => s.metric[label] ?? '') })),
      { name: `Value #${target.refId}`, type: FieldType.number, values: found.map((s) => +s.value[1]) },
    ],
  });
}
