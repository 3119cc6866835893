/** @type {import('next').NextConfig} */
const config = {
  poweredByHeader: false,
  reactStrictMode: true,
  // Source maps would publish server code paths; the bench and tests read the built sizes without them.
  productionBrowserSourceMaps: false,
  // `npm run check` owns types; whoever runs `npm start` should not wait for them a second time.
  typescript: { ignoreBuildErrors: true },
  turbopack: { root: import.meta.dirname },
}

export default config
