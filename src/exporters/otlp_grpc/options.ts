import { grpcClientOptions, Options, sendingOptions } from '../../plugin.ts'
import type { Static } from '../../plugin.ts'

export const options = Options({ ...grpcClientOptions, ...sendingOptions })
export type OtlpGrpcOptions = Static<typeof options>
