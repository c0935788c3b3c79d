import type { ExternalAuthorizer } from './external-authorizer.ts';

/** For a proxy without a way to ask: fails as the provider's settings say. */
export const nobodyAsked: ExternalAuthorizer = async ({ provider }) =>
  provider.failOpen
    ? {
        ...{ allowed: true, set: [], appended: [], removed: [], answerFields: [] },
        passedOver: 'nobody can be asked',
      }
    : {
        ...{ allowed: false, status: provider.statusOnError, fields: [], body: '' },
        failure: 'cannot be asked',
      };
