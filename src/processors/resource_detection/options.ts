import type { OptionFault, Static } from '../../plugin.ts'
import { Block, Duration, Options, StringList, Type } from '../../plugin.ts'
import type { Switches } from './detectors/system.ts'
import { SYSTEM_ATTRIBUTES } from './system/attributes.ts'
import type { HostnameSource } from './system/hostname.ts'
import { HOSTNAME_SOURCES } from './system/hostname.ts'

export const DETECTORS = ['env', 'system'] as const

/** The Collector's other detectors: known by name, so that they can be refused by a sentence. Their blocks mean nothing unless `detectors` names them. */
const MISSING: readonly string[] = (
  'gcp ec2 ecs elastic_beanstalk elasticbeanstalk eks lambda azure aks azurecontainerapps heroku openshift dynatrace consul docker k8s_api ' +
  'k8snode kubeadm hetzner akamai scaleway vultr oraclecloud digitalocean nova upcloud alibaba_ecs tencent_cvm ibmcloud_vpc ibmcloud_classic'
).split(' ')

/** Typed as holding nothing, since nobody reads them. */
const missingBlocks: object = Object.fromEntries(
  MISSING.map((name) => [
    name,
    Type.Optional(Type.Unknown({ description: `Options of the detector ${name}, which is not built yet.` })),
  ]),
)

const attributeSwitches = Type.Unsafe<Switches>(
  Type.Object(
    Object.fromEntries(
      Object.entries(SYSTEM_ATTRIBUTES).flatMap(([name, { enabled, description, formerly }]) => [
        [
          name,
          Block(
            { enabled: Type.Boolean({ default: enabled, description: 'Whether to look for it.' }) },
            { description },
          ),
        ],
        ...(formerly === undefined ? [] : [[formerly, formerName(name)]]),
      ]),
    ),
    { additionalProperties: false, default: {}, description: 'Switches attributes on and off by name.' },
  ),
)

function formerName(name: string) {
  return Type.Optional(
    Options(
      { enabled: Type.Boolean({ description: 'Whether to look for it.' }) },
      { description: `The Collector's name of ${name}.` },
    ),
  )
}

export const resourceDetectionOptions = Options({
  detectors: StringList({
    default: ['env'],
    description: 'What to ask, of `env` and `system`. Where several know an attribute, the first one counts.',
  }),
  override: Type.Boolean({ default: true, description: 'Replaces attributes that a resource has already.' }),
  timeout: Duration({ default: '5s', description: 'How long detection may keep the start waiting.' }),
  refresh_interval: Duration({ default: '0s', description: 'How often to detect again; 0 means only at the start.' }),
  attributes: Type.Optional(
    StringList({ description: 'The only attributes to set; without it, all that were found.' }),
  ),
  fail_on_missing_metadata: Type.Boolean({
    default: false,
    description: 'Taken, and without effect on the detectors there are: it concerns those of clouds.',
  }),
  retry: Block(
    {
      enabled: Type.Boolean({
        default: true,
        description: 'Whether to try again what failed, while data flows already.',
      }),
      initial_interval: Duration({ default: '1s', description: 'Wait before the first further attempt.' }),
      randomization_factor: Type.Number({
        default: 0.5,
        minimum: 0,
        maximum: 1,
        description: 'By which share of itself a wait may stray.',
      }),
      multiplier: Type.Number({
        default: 2,
        minimum: 1,
        description: 'By what each wait is longer than the one before.',
      }),
      max_interval: Duration({ default: '30s', description: 'The longest wait.' }),
      max_elapsed_time: Duration({ default: '0s', description: 'When to give up; 0 means never.' }),
    },
    { description: 'How a detection that failed is tried again.' },
  ),
  env: Block(
    { allow_list: Type.Optional(StringList({ description: 'The only attributes to take; without it, all.' })) },
    { description: 'Options of the detector env.' },
  ),
  system: Block(
    {
      hostname_sources: StringList({
        default: ['dns', 'os'],
        description: 'Whom to ask for the name of the host, one after another: dns, os, cname, lookup.',
      }),
      resource_attributes: attributeSwitches,
    },
    { description: 'Options of the detector system.' },
  ),
  ...missingBlocks,
})

export type ResourceDetectionConfig = Static<typeof resourceDetectionOptions>

export function* checkResourceDetection(config: ResourceDetectionConfig): Iterable<OptionFault> {
  const known: readonly string[] = DETECTORS
  for (const [index, name] of config.detectors.entries()) {
    const path = ['detectors', index]
    if (MISSING.includes(name))
      yield { path, message: `the detector "${name}" is not built yet`, hint: 'There are env and system' }
    else if (!known.includes(name))
      yield { path, message: `invalid detector key: ${name}`, hint: 'There are env and system' }
  }
  if (config.detectors.length === 0) yield { path: ['detectors'], message: 'there must be a detector' }
  if (config.timeout <= 0) yield { path: ['timeout'], message: '"timeout": requires positive value' }
  const sources: readonly string[] = HOSTNAME_SOURCES
  for (const [index, source] of config.system.hostname_sources.entries())
    if (!sources.includes(source))
      yield {
        path: ['system', 'hostname_sources', index],
        message: `"${source}" is no source of host names`,
        hint: `There are ${sources.join(', ')}`,
      }
}

/** Checked by `checkResourceDetection`; an empty list means the default, as in the Collector. */
export function hostnameSources(config: ResourceDetectionConfig): readonly HostnameSource[] {
  const written = config.system.hostname_sources as HostnameSource[]
  return written.length > 0 ? written : ['dns', 'os']
}
