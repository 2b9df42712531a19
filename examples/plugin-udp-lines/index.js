import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { defineReceiver, logs, Observable, Options, Port, receive, Refused, Type } from 'telegen/plugin'

export default defineReceiver({
  type: 'udp_lines',
  summary: 'Takes each line of a UDP datagram as a log record.',
  stability: { logs: 'alpha' },
  config: Options({
    host: Type.String({ default: '127.0.0.1', description: 'Address to listen on.' }),
    port: Port({ description: 'Port to listen on; 0 takes a free one.' }),
  }),
  create: ({ config, ingress, clock, log }) =>
    receive({
      async open() {
        const socket = createSocket('udp4').bind(config.port, config.host)
        await once(socket, 'listening')
        log.info({ address: socket.address() }, 'Listening')
        return socket
      },
      deliveries: (socket) =>
        new Observable((subscriber) => {
          socket.on('error', (error) => subscriber.error(error))
          socket.on('message', (datagram, peer) => {
            const batch = logs({ 'client.address': peer.address })
            for (const body of datagram.toString().split('\n').filter(Boolean))
              batch.record({ observedTime: clock.nowNano(), body })
            try {
              subscriber.next(ingress.admit('logs', batch.finish()))
            } catch (error) {
              if (!(error instanceof Refused)) subscriber.error(error) // A refusal is counted; UDP can tell nobody.
            }
          })
        }),
      close: (socket) => new Promise((resolve) => socket.close(() => resolve())),
    }),
})
