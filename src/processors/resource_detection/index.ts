import type { Clock } from '../../plugin.ts'
import { defineProcessor } from '../../plugin.ts'
import type { Detector } from './detector.ts'
import { envDetector } from './detectors/env.ts'
import { systemDetector } from './detectors/system.ts'
import type { ResourceDetectionConfig } from './options.ts'
import { checkResourceDetection, hostnameSources, resourceDetectionOptions } from './options.ts'
import { resourceDetection } from './resource-detection.ts'

/** Of the time there is, so that a DNS that does not answer leaves the other sources enough. */
const DNS_SHARE = 0.5

export default defineProcessor({
  type: 'resource_detection',
  aliases: ['resourcedetection'],
  summary: 'Finds out about host and operating system, and says so on every resource.',
  stability: { traces: 'alpha', metrics: 'alpha', logs: 'alpha', profiles: 'development' },
  scale: 'replica',
  config: resourceDetectionOptions,
  check: checkResourceDetection,
  create: (context) => {
    const detectors = context.config.detectors.map((name) => detector(name, context.config, context.clock))
    return resourceDetection(context, detectors)
  },
})

function detector(name: string, config: ResourceDetectionConfig, clock: Clock): Detector {
  if (name === 'env') return envDetector(process.env, config.env.allow_list)
  const options = { ...config.system, hostname_sources: hostnameSources(config) }
  return systemDetector(options, clock, config.timeout * DNS_SHARE)
}
