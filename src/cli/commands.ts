import type { Command } from 'commander';

/**
 * Every command by its name, in the order of the help. Each is loaded when it is asked for: the whole
 * of the program takes longer to load than most commands take.
 */
export const commands: Readonly<Record<string, () => Promise<Command>>> = {
  demo: async () => (await import('./processes/demo-command.ts')).demoCommand(),
  up: async () => (await import('./processes/up-command.ts')).upCommand(),
  sidecar: async () => (await import('./processes/sidecar-command.ts')).sidecarCommand(),
  run: async () => (await import('./processes/run-command.ts')).runCommand(),
  capture: async () => (await import('./processes/capture-command.ts')).captureCommand(),
  token: async () => (await import('./authority/token-command.ts')).tokenCommand(),
  ca: async () => (await import('./authority/ca-command.ts')).caCommand(),
  certs: async () => (await import('./authority/certs-command.ts')).certsCommand(),
  apply: async () => (await import('./resources/apply-command.ts')).applyCommand(),
  get: async () => (await import('./resources/get-command.ts')).getCommand(),
  describe: async () => (await import('./resources/describe-command.ts')).describeCommand(),
  edit: async () => (await import('./resources/edit-command.ts')).editCommand(),
  patch: async () => (await import('./resources/patch-command.ts')).patchCommand(),
  delete: async () => (await import('./resources/delete-command.ts')).deleteCommand(),
  explain: async () => (await import('./resources/explain-command.ts')).explainCommand(),
  'api-resources': async () =>
    (await import('./resources/api-resources-command.ts')).apiResourcesCommand(),
  wait: async () => (await import('./resources/wait-command.ts')).waitCommand(),
  logs: async () => (await import('./resources/logs-command.ts')).logsCommand(),
  events: async () => (await import('./resources/events-command.ts')).eventsCommand(),
  history: async () => (await import('./resources/history-commands.ts')).historyCommand(),
  diff: async () => (await import('./resources/history-commands.ts')).diffCommand(),
  rollback: async () => (await import('./resources/history-commands.ts')).rollbackCommand(),
  authz: async () => (await import('./policy/authz-command.ts')).authzCommand(),
  analyze: async () => (await import('./policy/analyze-command.ts')).analyzeCommand(),
  plan: async () => (await import('./policy/plan-command.ts')).planCommand(),
  suggest: async () => (await import('./policy/suggest-command.ts')).suggestCommand(),
  audit: async () => (await import('./audit-command.ts')).auditCommand(),
  federation: async () => (await import('./authority/federation-command.ts')).federationCommand(),
  doctor: async () => (await import('./processes/doctor-command.ts')).doctorCommand(),
  completion: async () => {
    const { completionCommand } = await import('./completion-command.ts');
    return completionCommand(Object.keys(commands));
  },
};
