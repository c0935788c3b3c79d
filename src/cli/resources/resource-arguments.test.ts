import { expect, it } from 'vitest';
import { type ApiResource, Discovery } from '../../apiclient/discovery.ts';
import { resourceTargets } from './resource-arguments.ts';

const kind = (name: string, categories: readonly string[] = []): ApiResource => ({
  ...{ group: '', version: 'v1', kind: name, plural: `${name.toLowerCase()}s` },
  ...{ singular: name.toLowerCase(), shortNames: [], categories, namespaced: true },
  verbs: ['list'],
});
const discovery = new Discovery([kind('Pod', ['all']), kind('Service', ['all']), kind('Secret')]);

function read(...words: readonly string[]): readonly string[] {
  return resourceTargets(words, discovery).map(
    ({ resource, name }) => `${resource.plural}${name === undefined ? '' : `/${name}`}`,
  );
}

it.each<[readonly string[], readonly string[]]>([
  [['pods'], ['pods']],
  [
    ['pod', 'a', 'b'],
    ['pods/a', 'pods/b'],
  ],
  [['pods,secrets'], ['pods', 'secrets']],
  [['pods,pod'], ['pods']],
  [['all'], ['pods', 'services']],
  [
    ['pod/a', 'secret/b'],
    ['pods/a', 'secrets/b'],
  ],
])('reads %j', (words, targets) => {
  expect(read(...words)).toEqual(targets);
});

it.each([
  [[], /name a type of resource/],
  [['pod/a', 'b'], /"b" stands beside TYPE\/NAME/],
  [['pod/'], /"pod\/"/],
  [['pod/a/b'], /"pod\/a\/b"/],
  [['nothing'], /doesn't have a resource type "nothing"/],
])('refuses %j', (words, why) => {
  expect(() => read(...words)).toThrow(why);
});
