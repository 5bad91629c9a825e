// Field configuration: defaults and overrides onto fields, as Grafana's app does from its registry.
import { getDisplayProcessor, standardTransformers, standardTransformersRegistry, transformDataFrame } from '@grafana/data';
import { firstValueFrom } from 'rxjs';

// Some transformers are exported under two names.
const byId = new Map(Object.values(standardTransformers).filter((t) => t?.id).map((t) => [t.id, t]));
standardTransformersRegistry.setInit(() => [...byId.values()].map((t) => ({ id: t.id, name: t.name, transformation: t, tags: new Set() })));

const matches = (matcher, name) =>
  matcher.id === 'byName' ? matcher.options === name : new RegExp(matcher.options.replace(/^\/|\/$/g, '')).test(name);

function put(config, id, value) {
  const path = id.split('.');
  const last = path.pop();
  let at = config;
  for (const key of path) at = at[key] = { ...(at[key] ?? {}) };
  at[last] = value;
}

export async function transformed(panel, frames) {
  if (!panel.transformations?.length || !frames.length) return frames;
  const only = panel.targets.length === 1;
  const input = only ? frames.map((f) => ({ ...f, fields: f.fields.map((x) => (x.name === 'Value #A' ? { ...x, name: 'Value' } : x)) })) : frames;
  return firstValueFrom(transformDataFrame(panel.transformations, input));
}

export function configured(panel, frames, theme) {
  let place = 0;
  for (const frame of frames) {
    for (const field of frame.fields) {
      const name = field.config?.displayName ?? field.name;
      const config = structuredClone({ ...panel.fieldConfig.defaults, ...field.config });
      config.custom = { ...config.custom };
      for (const { matcher, properties } of panel.fieldConfig.overrides) {
        if (matches(matcher, name)) for (const p of properties) put(config, p.id, p.value);
      }
      delete config.links;
      if (field.type === 'time' || field.type === 'string') config.unit = field.type === 'time' ? config.unit : undefined;
      if (field.type === 'string') config.mappings = [];
      field.config = config;
      config.displayName = name;
      field.state = { ...field.state, displayName: name };
      if (field.type === 'number') field.state.seriesIndex = place++;
      field.display = getDisplayProcessor({ field, theme, timeZone: 'utc' });
    }
  }
  return frames;
}
