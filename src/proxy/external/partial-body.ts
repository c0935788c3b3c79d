/** The header that tells a provider whether there is more of the body than it is shown. */
export const PARTIAL_BODY = 'x-envoy-auth-partial-body';
