// A preview of one board: its JSON, drawn with Grafana's components over a real Prometheus.
// An approximation: no server, no plugins; state timelines and rows are drawn here.
import React from 'react';
import { createRoot } from 'react-dom/client';
import { ThemeContext, createTheme, dateTime } from '@grafana/data';
import { BarGauge, BigValue, GlobalStyles, LegendDisplayMode, Table, TimeSeries } from '@grafana/ui';
import { configured, transformed } from './fields.js';
import { filled, frames, seconds, variables } from './query.js';

const asked = new URLSearchParams(location.search);
const PROM = asked.get('prom'), END = +asked.get('end'), WIDTH = +asked.get('width') || 1400;
const theme = createTheme({ colors: { mode: asked.get('theme') || 'dark' } });
const CELL = 38, COLUMN = WIDTH / 24, STEP = 300;

function Stat({ panel, found, width, height }) {
  const each = width / Math.max(1, found.length);
  return <div style={{ display: 'flex' }}>{found.map((frame, key) => {
    const field = frame.fields[1];
    const value = field.display(field.values[field.values.length - 1]);
    const title = panel.options.textMode === 'value' ? undefined : field.state.displayName;
    return <BigValue key={key} theme={theme} width={each} height={height} colorMode={panel.options.colorMode}
      graphMode="none" textMode={panel.options.textMode} value={{ ...value, title }} />;
  })}</div>;
}

function Bars({ found, width, height }) {
  const fields = found.map((frame) => frame.fields[1]);
  const top = Math.max(...fields.map((f) => f.values[f.values.length - 1]), 0);
  const each = Math.min(30, height / fields.length - 4);
  return <div>{fields.map((field, key) => {
    const display = field.display(field.values[field.values.length - 1]);
    return <div key={key} style={{ marginBottom: 4 }}><BarGauge theme={theme} width={width} height={each} orientation="horizontal"
      displayMode="basic" valueDisplayMode="color" namePlacement="left" showUnfilled alignmentFactors={{ title: 'x'.repeat(26), text: '100000' }}
      field={{ ...field.config, min: 0, max: top }} display={field.display}
      value={{ ...display, title: field.state.displayName }} /></div>;
  })}</div>;
}

function Lanes({ found, width, height, start }) {
  const lane = Math.min(34, height / found.length);
  const label = 240, scale = (width - label) / (END - start);
  return <div style={{ position: 'relative', height }}>{found.map((frame, row) => {
    const [time, value] = frame.fields;
    const spans = [];
    time.values.forEach((at, i) => {
      const last = spans[spans.length - 1];
      if (value.values[i] === null) return;
      if (last && last.value === value.values[i] && at / 1000 - last.to <= STEP * 1.5) last.to = at / 1000;
      else spans.push({ from: at / 1000, to: at / 1000 + STEP, value: value.values[i] });
    });
    return <div key={row} style={{ position: 'absolute', top: row * lane, height: lane - 4, width }}>
      <div style={{ width: label - 8, textAlign: 'right', overflow: 'hidden', whiteSpace: 'nowrap', textOverflow: 'ellipsis', fontSize: 12, lineHeight: `${lane - 4}px` }}>{value.state.displayName}</div>
      {spans.map((span, i) => {
        const shown = value.display(span.value);
        return <div key={i} style={{ position: 'absolute', top: 0, left: label + (span.from - start) * scale, width: Math.max(2, (span.to - span.from) * scale), height: lane - 4, background: shown.color, opacity: .85, color: '#fff', fontSize: 12, paddingLeft: 4, overflow: 'hidden', lineHeight: `${lane - 4}px` }}>{(span.to - span.from) * scale > 50 ? shown.text : ''}</div>;
      })}</div>;
  })}</div>;
}

function Body({ panel, found, width, height, start }) {
  if (!found.length) return <div style={{ color: theme.colors.text.secondary, textAlign: 'center', paddingTop: height / 2 - 20, fontSize: 16 }}>{panel.fieldConfig.defaults.noValue}</div>;
  const range = { from: dateTime(start * 1000), to: dateTime(END * 1000), raw: { from: '', to: '' } };
  if (panel.type === 'stat') return <Stat panel={panel} found={found} width={width} height={height} />;
  if (panel.type === 'bargauge') return <Bars found={found} width={width} height={height} />;
  if (panel.type === 'state-timeline') return <Lanes found={found} width={width} height={height} start={start} />;
  if (panel.type === 'table') return <Table data={found[0]} width={width} height={height} initialSortBy={panel.options.sortBy} ariaLabel={panel.title} timeRange={range} />;
  return <TimeSeries width={width} height={height} frames={found} timeRange={range} timeZone="utc" options={{}}
    legend={{ displayMode: LegendDisplayMode.Table, placement: panel.options.legend.placement, showLegend: true, calcs: panel.options.legend.calcs }} />;
}

function Panel({ board, panel, chosen, onDone }) {
  const [found, set] = React.useState(null);
  const start = END - Math.min(seconds(board.time.from), +asked.get('span') || 86400);
  React.useEffect(() => {
    (async () => {
      if (panel.datasource.type === 'tempo') return null;
      const known = variables(board, chosen, STEP);
      const all = (await Promise.all(panel.targets.map((t) => frames(panel, t, { prom: PROM, start, end: END, step: STEP, known })))).flat();
      return configured(panel, await transformed(panel, all), theme);
    })().then((frames) => { set(frames); onDone(); }).catch((error) => { console.error(`${panel.title}: ${error}`); onDone(); });
  }, []);
  const { x, y, w, h } = panel.gridPos;
  const width = w * COLUMN - 8, height = h * CELL - 8;
  const border = `1px solid ${theme.colors.border.weak}`;
  return <section style={{ position: 'absolute', left: x * COLUMN, top: y * CELL, width, height, background: theme.colors.background.primary, border, borderRadius: 3, overflow: 'hidden' }}>
    <h6 style={{ margin: 0, padding: '6px 8px', fontSize: 14, fontWeight: 500 }}>{filled(panel.title, {})}</h6>
    <div style={{ padding: '0 8px' }}>{panel.datasource.type === 'tempo'
      ? <span style={{ color: theme.colors.text.secondary }}>(from Tempo, not drawn in the preview)</span>
      : found && <Body panel={panel} found={found} width={width - 18} height={height - 40} start={start} />}</div>
  </section>;
}

function opened(board) {
  // Collapsed rows are drawn open, below everything else.
  const out = [];
  let shift = 0;
  for (const panel of board.panels) {
    const moved = { ...panel, gridPos: { ...panel.gridPos, y: panel.gridPos.y + shift } };
    out.push(moved);
    for (const inner of panel.panels ?? []) out.push({ ...inner, gridPos: { ...inner.gridPos, y: inner.gridPos.y + shift } });
    if (panel.panels?.length) shift += Math.max(...panel.panels.map((p) => p.gridPos.y + p.gridPos.h)) - panel.gridPos.y - 1;
  }
  return out;
}

function Board({ board, chosen }) {
  const all = opened(board), drawn = all.filter((p) => p.type !== 'row');
  const left = React.useRef(drawn.length);
  const done = () => { left.current -= 1; if (!left.current) setTimeout(() => { document.title = 'drawn'; }, 400); };
  const bottom = Math.max(...all.map((p) => p.gridPos.y + p.gridPos.h));
  return <div style={{ background: theme.colors.background.canvas, color: theme.colors.text.primary, fontFamily: 'Inter, Helvetica, Arial, sans-serif', fontSize: 14, padding: 12, width: WIDTH, minHeight: '100vh' }}>
    <div style={{ paddingBottom: 10 }}><b style={{ fontSize: 18 }}>{board.title}</b>{' '}
      {board.templating.list.filter((v) => v.type !== 'datasource' && v.hide !== 2).map((v) => <span key={v.name} style={{ marginLeft: 18 }}><span style={{ color: theme.colors.text.secondary }}>{v.label}</span> <b>{chosen[v.name] ?? (v.type === 'textbox' ? v.query : 'All')}</b></span>)}</div>
    <div style={{ position: 'relative', height: bottom * CELL }}>
      {all.filter((p) => p.type === 'row').map((p) => <div key={p.id} style={{ position: 'absolute', top: p.gridPos.y * CELL + 6, fontSize: 16, fontWeight: 500 }}>{p.title}</div>)}
      {drawn.map((p) => <Panel key={p.id} board={board} panel={p} chosen={chosen} onDone={done} />)}
    </div></div>;
}

(async () => {
  const board = await (await fetch(`./boards/${asked.get('board')}.json`)).json();
  const chosen = JSON.parse(asked.get('chosen') || '{}');
  createRoot(document.getElementById('root')).render(
    <ThemeContext.Provider value={theme}><GlobalStyles /><Board board={board} chosen={chosen} /></ThemeContext.Provider>);
})();
