// Shows /openapi.json, and calls this server and nobody else.
Scalar.createApiReference('#api', {
  url: '/openapi.json',
  servers: [{ url: location.origin, description: 'this server' }],
  withDefaultFonts: false,
  telemetry: false,
  hideClientButton: true,
  showDeveloperTools: 'never',
  agent: { disabled: true },
  mcp: { disabled: true },
  metaData: { title: 'API · tiktok' },
  defaultHttpClient: { targetKey: 'shell', clientKey: 'curl' },
})
