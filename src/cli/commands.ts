import type { Command } from 'commander';

/**
 * Every command by its name, in the order of the help. Each is loaded when it is asked for: the whole
 * of the program takes longer to load than most commands take.
 */
export const commands: Readonly<Record<string, () => Promise<Command>>> = {
  demo: async () => (await import('./demo-command.ts')).demoCommand(),
  up: async () => (await import('./up-command.ts')).upCommand(),
  sidecar: async () => (await import('./sidecar-command.ts')).sidecarCommand(),
  run: async () => (await import('./run-command.ts')).runCommand(),
  capture: async () => (await import('./capture-command.ts')).captureCommand(),
  token: async () => (await import('./token-command.ts')).tokenCommand(),
  ca: async () => (await import('./ca-command.ts')).caCommand(),
  certs: async () => (await import('./certs-command.ts')).certsCommand(),
  apply: async () => (await import('./apply-command.ts')).applyCommand(),
  get: async () => (await import('./get-command.ts')).getCommand(),
  describe: async () => (await import('./describe-command.ts')).describeCommand(),
  edit: async () => (await import('./edit-command.ts')).editCommand(),
  patch: async () => (await import('./patch-command.ts')).patchCommand(),
  delete: async () => (await import('./delete-command.ts')).deleteCommand(),
  explain: async () => (await import('./explain-command.ts')).explainCommand(),
  'api-resources': async () => (await import('./api-resources-command.ts')).apiResourcesCommand(),
  wait: async () => (await import('./wait-command.ts')).waitCommand(),
  logs: async () => (await import('./logs-command.ts')).logsCommand(),
  events: async () => (await import('./events-command.ts')).eventsCommand(),
  history: async () => (await import('./history-commands.ts')).historyCommand(),
  diff: async () => (await import('./history-commands.ts')).diffCommand(),
  rollback: async () => (await import('./history-commands.ts')).rollbackCommand(),
  authz: async () => (await import('./authz-command.ts')).authzCommand(),
  analyze: async () => (await import('./analyze-command.ts')).analyzeCommand(),
  plan: async () => (await import('./plan-command.ts')).planCommand(),
  suggest: async () => (await import('./suggest-command.ts')).suggestCommand(),
  audit: async () => (await import('./audit-command.ts')).auditCommand(),
  federation: async () => (await import('./federation-command.ts')).federationCommand(),
  doctor: async () => (await import('./doctor-command.ts')).doctorCommand(),
  completion: async () => {
    const { completionCommand } = await import('./completion-command.ts');
    return completionCommand(Object.keys(commands));
  },
};
