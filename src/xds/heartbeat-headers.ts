/** In a heartbeat: which agent it is, as it calls itself in discovery. */
export const nodeHeader = 'hauberk-node';
/** In a heartbeat: by how many milliseconds the agent finds its own clock ahead of the control plane's. */
export const skewHeader = 'hauberk-clock-skew-ms';
