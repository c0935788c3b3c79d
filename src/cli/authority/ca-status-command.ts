import { Command } from 'commander';
import type { RotationStatus } from '../../app/control-plane/authority-rotation.ts';
import { formatDuration } from '../../lib/duration.ts';
import { askPlane } from '../api-access.ts';
import { type CommonOptions, outputOption, withAccess, withExamples } from '../options.ts';
import { print, table } from '../output.ts';

type Course = Exclude<RotationStatus['rotation'], { readonly phase: 'steady' }>;

const MOST_NAMED = 20;

/** `hauberk ca status`. */
export function caStatusCommand(): Command {
  const command = new Command('status')
    .description('the keys of the authority, how old they are, and what a rotation waits for')
    .addOption(outputOption())
    .action(async (options: CommonOptions) => {
      const call = { method: 'GET', path: '/v1/ca/status' } as const;
      const status = await askPlane<RotationStatus>(options, call);
      print(options.output ?? 'text', status, caStatusText);
    });
  return withExamples(withAccess(command), 'hauberk ca status', 'hauberk ca status -o json');
}

/** A status for people. */
export function caStatusText(status: RotationStatus): string {
  const { trustDomain, bundle, rotation, agents } = status;
  const held = agents.filter(({ acknowledged }) => acknowledged).length;
  return [
    slotTable(status),
    '',
    `trust domain "${trustDomain}", bundle ${bundle.sequence} with ${count(bundle.roots.length, 'root')}, acknowledged by ${held} of ${count(agents.length, 'connected agent')}`,
    ...(rotation.phase === 'steady' ? ['no rotation is under way'] : courseLines(rotation)),
    ...laggingLines(agents, rotation.phase === 'steady'),
  ].join('\n');
}

/** What a rotation is doing, in one line. */
export function waitingText({ role, phase, waitsFor }: Course): string {
  const whom =
    waitsFor.length === 0 ? '' : `, waits for ${names(waitsFor.map(({ name }) => name))}`;
  return `${phase === 'distributing' ? 'making the new' : 'retiring the old'} ${role}${phase === 'distributing' ? ' known' : ''}${whom}`;
}

function slotTable({ slots }: RotationStatus): string {
  const rows = slots.flatMap(({ slot, root, intermediate }) =>
    [['root', root] as const, ['intermediate', intermediate] as const].map(
      ([role, { serial, ageSeconds, notAfter }]) => [
        ...[slot, role, serial],
        ...[formatDuration(ageSeconds * 1_000), notAfter],
      ],
    ),
  );
  return table(['SLOT', 'ROLE', 'SERIAL', 'AGE', 'NOT AFTER'], rows);
}

function courseLines(course: Course): string[] {
  const { since, waived, compromised, waitsFor } = course;
  const rest = waitsFor.length - MOST_NAMED;
  return [
    `${waitingText({ ...course, waitsFor: [] })} since ${since}${compromised ? ', because its key is compromised' : ''}`,
    ...(waived.length === 0 ? [] : [`  not waited for: ${waived.join(', ')}`]),
    ...waitsFor.slice(0, MOST_NAMED).map(({ name, lacks }) => `  waits for ${name}: it ${lacks}`),
    ...(rest > 0 ? [`  and for ${rest} more; -o json has them all`] : []),
    ...(waitsFor.length > 0 ? ['  to go on without one: hauberk ca rotate --waive NAME'] : []),
  ];
}

/** Programs behind agents that a rotation does not, or not any more, wait for. */
function laggingLines(agents: RotationStatus['agents'], all: boolean): string[] {
  return agents
    .flatMap(({ name: agent, lagging }) => lagging.map((client) => ({ agent, ...client })))
    .filter(({ givenUp }) => all || givenUp)
    .slice(0, MOST_NAMED)
    .map(({ agent, name, lacks, forSeconds }) => {
      const time = formatDuration(forSeconds * 1_000);
      return `  ${agent}/${name} ${lacks}, for ${time}${all ? '' : '; it is waited for no longer'}`;
    });
}

function names(all: readonly string[]): string {
  const [first = '', ...more] = all;
  return more.length === 0 ? first : `${first} and ${more.length} more`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
