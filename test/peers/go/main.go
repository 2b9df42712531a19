// A client and a server of gRPC's own library for Go, for test/peers: bytes in, bytes out.
//
//	peer serve [-cert F -key F -ca F] [-age D] [-streams N]      prints its port, answers each message with its length, or as its text says
//	peer call -target T [-cert F -key F -ca F] [-gzip] [-sizes N,N] [-count N] [-parallel N]   prints "ok N" or the first error
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"
)

const method = "/test.Service/Method"

// rawCodec carries bytes as they are.
type rawCodec struct{}

func (rawCodec) Marshal(v any) ([]byte, error) { return *v.(*[]byte), nil }
func (rawCodec) Unmarshal(data []byte, v any) error {
	*v.(*[]byte) = append([]byte(nil), data...)
	return nil
}
func (rawCodec) Name() string { return "proto" }

var (
	target   = flag.String("target", "", "server")
	cert     = flag.String("cert", "", "certificate")
	key      = flag.String("key", "", "its key")
	ca       = flag.String("ca", "", "authority of the other side")
	compress = flag.Bool("gzip", false, "compress")
	sizes    = flag.String("sizes", "1000", "bytes of a message, one after the other")
	count    = flag.Int("count", 1, "messages of each size")
	parallel = flag.Int("parallel", 1, "at the same time")
	age      = flag.Duration("age", 0, "of connections")
	streams  = flag.Uint("streams", 100, "at the same time on a connection")
)

func main() {
	encoding.RegisterCodec(rawCodec{})
	mode := os.Args[1]
	if err := flag.CommandLine.Parse(os.Args[2:]); err != nil {
		panic(err)
	}
	var err error
	if mode == "serve" {
		err = serve()
	} else {
		err = call()
	}
	if err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
}

func tlsConfig() (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(*cert, *key)
	if err != nil {
		return nil, err
	}
	pem, err := os.ReadFile(*ca)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.New("no authority")
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, RootCAs: pool, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert, ServerName: "localhost"}, nil
}

func serve() error {
	options := []grpc.ServerOption{
		grpc.MaxRecvMsgSize(1 << 30),
		grpc.MaxConcurrentStreams(uint32(*streams)),
		grpc.UnknownServiceHandler(func(_ any, stream grpc.ServerStream) error {
			var message []byte
			if err := stream.RecvMsg(&message); err != nil {
				return err
			}
			text := string(message[:min(len(message), 64)])
			if strings.HasPrefix(text, "refuse") {
				return status.Error(codes.ResourceExhausted, "voll: 100 % größer")
			}
			if strings.HasPrefix(text, "slow") {
				time.Sleep(300 * time.Millisecond)
			}
			if strings.HasPrefix(text, "echo") {
				return stream.SendMsg(&message)
			}
			answer := []byte(fmt.Sprint(len(message)))
			return stream.SendMsg(&answer)
		}),
	}
	if *age > 0 {
		options = append(options, grpc.KeepaliveParams(keepalive.ServerParameters{MaxConnectionAge: *age, MaxConnectionAgeGrace: 5 * time.Second}))
	}
	if *cert != "" {
		config, err := tlsConfig()
		if err != nil {
			return err
		}
		options = append(options, grpc.Creds(credentials.NewTLS(config)))
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	server := grpc.NewServer(options...)
	go func() {
		// Its end is the end of who started it.
		_, _ = os.Stdin.Read(make([]byte, 1))
		os.Exit(0)
	}()
	return server.Serve(listener)
}

func call() error {
	transport := insecure.NewCredentials()
	if *cert != "" {
		config, err := tlsConfig()
		if err != nil {
			return err
		}
		transport = credentials.NewTLS(config)
	}
	options := []grpc.CallOption{grpc.MaxCallRecvMsgSize(1 << 30), grpc.MaxCallSendMsgSize(1 << 30)}
	if *compress {
		options = append(options, grpc.UseCompressor("gzip"))
	}
	connection, err := grpc.NewClient(*target, grpc.WithTransportCredentials(transport), grpc.WithDefaultCallOptions(options...))
	if err != nil {
		return err
	}
	defer connection.Close()
	for text := range strings.SplitSeq(*sizes, ",") {
		size, err := strconv.Atoi(text)
		if err == nil {
			err = callMany(connection, size)
		}
		if err != nil {
			return err
		}
	}
	fmt.Println("ok", *count)
	return nil
}

func callMany(connection *grpc.ClientConn, size int) error {
	message := make([]byte, size)
	for i := range message {
		message[i] = byte('a' + i%7)
	}
	wanted := fmt.Sprint(size)
	failures := make(chan error, *parallel)
	var group sync.WaitGroup
	for range *parallel {
		group.Go(func() {
			for range (*count + *parallel - 1) / *parallel {
				ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
				var answer []byte
				err := connection.Invoke(ctx, method, &message, &answer)
				cancel()
				if err == nil && string(answer) != wanted {
					err = fmt.Errorf("answered %q", answer)
				}
				if err != nil {
					failures <- err
					return
				}
			}
		})
	}
	group.Wait()
	select {
	case err := <-failures:
		return err
	default:
		return nil
	}
}
