import { describe } from 'vitest';
import { describeStore } from '../../test/kit/store-contract.ts';
import { memoryRig } from '../../test/kit/store-rig.ts';

describe('memoryStore', () => describeStore(memoryRig, { numRuns: 300 }));
