import type { Watchable } from '../lib/watchable.ts';
import type { MeshFacts } from '../policy/mesh-facts.ts';
import { type MeshSettings, meshSettings } from '../policy/mesh-settings.ts';

/** The settings of the mesh as they are now. */
export interface LiveSettings {
  readonly current: MeshSettings;
}

/** `base` with what the facts of the moment say over it; the same value for as long as they say the same. */
export function liveSettings(facts: Watchable<MeshFacts>, base: MeshSettings): LiveSettings {
  let from = facts.current;
  let settings = meshSettings(from, base);
  return {
    get current() {
      const now = facts.current;
      const changed =
        now.istioOperators !== from.istioOperators || now.configMaps !== from.configMaps;
      if (changed) {
        from = now;
        settings = meshSettings(now, base);
      }
      return settings;
    },
  };
}
