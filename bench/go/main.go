// Does with the Collector's own data model what Telegen's kernels do with bytes: decode a request, run the chain of four
// over it, encode what is left. It is told on standard input which payloads to work on and for how long, one window a
// line, so that the bench can let both take turns:
//
//	<signal> <size> <milliseconds>
//
// and answers each with a line of the items it went through, the items that the first pass over all variants left, and
// the processor time of all its threads in nanoseconds. The only argument is the folder of the payloads,
// `<signal>-<size>-<variant>.bin`.
package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"go.opentelemetry.io/collector/pdata/plog"
)

const (
	// FNV-1a of 32 bits, as Telegen's sampling and the Collector's hash trace ids.
	offsetBasis = 0x811c9dc5
	prime       = 0x01000193
	seed        = 22
	buckets     = 1 << 14
	half        = buckets / 2
)

// A pass decodes, edits and encodes one request; it returns the items that came and the items that are left.
type pass func(request []byte) (came, left int)

var passes = map[string]pass{"traces": traces, "metrics": metrics, "logs": logs}

func main() {
	if len(os.Args) != 2 {
		fail(fmt.Errorf("usage: pdata <folder of payloads>"))
	}
	windows := bufio.NewScanner(os.Stdin)
	for windows.Scan() {
		var signal, size string
		var milliseconds int
		if _, err := fmt.Sscan(windows.Text(), &signal, &size, &milliseconds); err != nil {
			fail(err)
		}
		came, left, cpu := window(signal, payloads(os.Args[1], signal, size), time.Duration(milliseconds)*time.Millisecond)
		fmt.Println(came, left, cpu)
	}
	if err := windows.Err(); err != nil {
		fail(err)
	}
}

var read = map[string][][]byte{}

func payloads(folder, signal, size string) [][]byte {
	pattern := filepath.Join(folder, signal+"-"+size+"-*.bin")
	if known := read[pattern]; known != nil {
		return known
	}
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		fail(fmt.Errorf("no payloads at %s", pattern))
	}
	var all [][]byte
	for _, name := range names {
		bytes, err := os.ReadFile(name)
		if err != nil {
			fail(err)
		}
		all = append(all, bytes)
	}
	read[pattern] = all
	return all
}

func window(signal string, requests [][]byte, length time.Duration) (came, left int, cpu int64) {
	work := passes[signal]
	before := cpuTime()
	end := time.Now().Add(length)
	for turn := 0; turn < len(requests) || time.Now().Before(end); turn++ {
		in, out := work(requests[turn%len(requests)])
		came += in
		if turn < len(requests) {
			left += out
		}
	}
	return came, left, cpuTime() - before
}

func cpuTime() int64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		fail(err)
	}
	return usage.Utime.Nano() + usage.Stime.Nano()
}

// Each chain is one walk, and a record that goes is not edited: more than the Collector's four processors are spared.

func traces(bytes []byte) (came, left int) {
	request := ptraceotlp.NewExportRequest()
	must(request.UnmarshalProto(bytes))
	data := request.Traces()
	came = data.SpanCount()
	data.ResourceSpans().RemoveIf(func(resource ptrace.ResourceSpans) bool {
		insert(resource.Resource().Attributes(), "deployment.environment.name", "production")
		resource.ScopeSpans().RemoveIf(func(scope ptrace.ScopeSpans) bool {
			scope.Spans().RemoveIf(func(span ptrace.Span) bool {
				if isGet(span.Attributes()) || !isSampled(span.TraceID()) {
					return true
				}
				insert(span.Attributes(), "app.pipeline", "default")
				left++
				return false
			})
			return scope.Spans().Len() == 0
		})
		return resource.ScopeSpans().Len() == 0
	})
	sink(request.MarshalProto())
	return came, left
}

func logs(bytes []byte) (came, left int) {
	request := plogotlp.NewExportRequest()
	must(request.UnmarshalProto(bytes))
	data := request.Logs()
	came = data.LogRecordCount()
	data.ResourceLogs().RemoveIf(func(resource plog.ResourceLogs) bool {
		insert(resource.Resource().Attributes(), "deployment.environment.name", "production")
		resource.ScopeLogs().RemoveIf(func(scope plog.ScopeLogs) bool {
			scope.LogRecords().RemoveIf(func(record plog.LogRecord) bool {
				if isGet(record.Attributes()) || !isSampled(record.TraceID()) {
					return true
				}
				insert(record.Attributes(), "app.pipeline", "default")
				left++
				return false
			})
			return scope.LogRecords().Len() == 0
		})
		return resource.ScopeLogs().Len() == 0
	})
	sink(request.MarshalProto())
	return came, left
}

// Points have no trace id: their chain has no sampling, on either side.
func metrics(bytes []byte) (came, left int) {
	request := pmetricotlp.NewExportRequest()
	must(request.UnmarshalProto(bytes))
	data := request.Metrics()
	came = data.DataPointCount()
	data.ResourceMetrics().RemoveIf(func(resource pmetric.ResourceMetrics) bool {
		insert(resource.Resource().Attributes(), "deployment.environment.name", "production")
		resource.ScopeMetrics().RemoveIf(func(scope pmetric.ScopeMetrics) bool {
			scope.Metrics().RemoveIf(func(metric pmetric.Metric) bool {
				points := pointsLeft(metric)
				left += points
				return points == 0
			})
			return scope.Metrics().Len() == 0
		})
		return resource.ScopeMetrics().Len() == 0
	})
	sink(request.MarshalProto())
	return came, left
}

func pointsLeft(metric pmetric.Metric) int {
	goes := func(attributes pcommon.Map) bool {
		if isGet(attributes) {
			return true
		}
		insert(attributes, "app.pipeline", "default")
		return false
	}
	switch metric.Type() {
	case pmetric.MetricTypeGauge:
		points := metric.Gauge().DataPoints()
		points.RemoveIf(func(point pmetric.NumberDataPoint) bool { return goes(point.Attributes()) })
		return points.Len()
	case pmetric.MetricTypeSum:
		points := metric.Sum().DataPoints()
		points.RemoveIf(func(point pmetric.NumberDataPoint) bool { return goes(point.Attributes()) })
		return points.Len()
	case pmetric.MetricTypeHistogram:
		points := metric.Histogram().DataPoints()
		points.RemoveIf(func(point pmetric.HistogramDataPoint) bool { return goes(point.Attributes()) })
		return points.Len()
	default:
		fail(fmt.Errorf("the payloads hold no %s", metric.Type()))
		return 0
	}
}

func insert(attributes pcommon.Map, key, value string) {
	if _, isThere := attributes.Get(key); !isThere {
		attributes.PutStr(key, value)
	}
}

func isGet(attributes pcommon.Map) bool {
	method, isThere := attributes.Get("http.request.method")
	return isThere && method.Type() == pcommon.ValueTypeStr && method.Str() == "GET"
}

func isSampled(id pcommon.TraceID) bool {
	hash := uint32(offsetBasis)
	for shift := 0; shift < 32; shift += 8 {
		hash = (hash ^ uint32(seed>>shift)&0xff) * prime
	}
	for _, each := range id {
		hash = (hash ^ uint32(each)) * prime
	}
	return hash&(buckets-1) < half
}

var written int

func sink(bytes []byte, err error) {
	must(err)
	written += len(bytes)
}

func must(err error) {
	if err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "pdata:", err)
	os.Exit(1)
}
