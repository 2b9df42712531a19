export const HELP = `Telegen: a telemetry agent and collector, configured like an OpenTelemetry Collector.

Usage:
  telegen [run] --config <location>   Runs a configuration until SIGINT or SIGTERM.
  telegen validate --config <location>
                                      Finds everything that is wrong with it; starts nothing. Silent if all is well.
  telegen components                  Lists component types, with those of plugins that --config names.

Flags:
  --config <location>   May be given several times, later ones laid over earlier ones. A path or file:path,
                        env:NAME, or yaml:text with :: between keys (yaml:exporters::debug::verbosity: basic).
  --set <key=value>     Sets one value over all files: --set receivers.otlp.protocols.grpc.endpoint=0.0.0.0:4317.
  --output text|json    How validate writes what it finds, and components what there is: JSON has the schemas of their
                        options too. Default text.
  -h, --help            Prints this.
  -v, --version         Prints the version.
`
