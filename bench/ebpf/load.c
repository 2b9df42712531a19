/*
 * Does what is measured, and says how long it took: requests over HTTP, connections, DNS queries, system calls, programs that are started. A line
 * on standard input is a task, a line on standard output its result: operations, microseconds of the wall clock and of this program's processor
 * time, and the median and 99th percentile of microseconds that an operation took.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MOST 64
#define LATENCIES_MOST 1000000
#define ANSWER_MOST 65536
#define CALLS_A_LOOK 64

extern char **environ;
static float latencies[LATENCIES_MOST];
static long operations;
static char answer[ANSWER_MOST];

static double now(clockid_t clock)
{
	struct timespec time;
	clock_gettime(clock, &time);
	return time.tv_sec * 1e6 + time.tv_nsec / 1e3;
}

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void took(double since)
{
	if (operations < LATENCIES_MOST)
		latencies[operations] = now(CLOCK_MONOTONIC) - since;
	operations++;
}

static int by_size(const void *left, const void *right)
{
	float a = *(const float *)left, b = *(const float *)right;
	return (a > b) - (a < b);
}

static int open_connection(int port, int type)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int on = 1, fd = socket(AF_INET, type, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)))
		fail("connect");
	if (type == SOCK_STREAM)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

/* A whole answer: its head, and as many bytes as that says. */
static void read_answer(int fd)
{
	long have = 0, whole = -1;
	while (whole < 0 || have < whole) {
		long got = read(fd, answer + have, ANSWER_MOST - 1 - have);
		if (got <= 0)
			fail("answer");
		have += got;
		answer[have] = 0;
		char *end = whole < 0 ? strstr(answer, "\r\n\r\n") : NULL;
		if (!end)
			continue;
		char *length = strcasestr(answer, "\r\ncontent-length:");
		if (!length || length > end)
			fail("an answer without its length");
		whole = end + 4 - answer + atol(length + 17);
	}
}

static int build(char *request, const char *connection)
{
	return sprintf(request, "GET /orders/42 HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: load/1.0\r\nAccept: */*\r\nConnection: %s\r\n\r\n",
		       connection);
}

/* With a rate requests go out at even intervals, each over the next connection; without, over all connections at once, as soon as all are answered. */
static void http(int port, int connections, double microseconds, double rate)
{
	static int fds[CONNECTIONS_MOST];
	static int opened, opened_port;
	char request[512];
	int length = build(request, "keep-alive");
	if (opened_port != port) {
		for (int i = 0; i < opened; i++)
			close(fds[i]);
		opened = 0;
		opened_port = port;
	}
	for (; opened < connections; opened++)
		fds[opened] = open_connection(port, SOCK_STREAM);
	double began = now(CLOCK_MONOTONIC), end = began + microseconds;
	for (long turn = 0;; turn++) {
		double since = now(CLOCK_MONOTONIC);
		if (rate > 0) {
			double due = began + turn * 1e6 / rate;
			if (due >= end || since >= end)
				return;
			if (due > since)
				usleep(due - since);
			since = now(CLOCK_MONOTONIC);
		} else if (since >= end)
			return;
		int first = rate > 0 ? turn % connections : 0, last = rate > 0 ? first : connections - 1;
		for (int i = first; i <= last; i++)
			if (write(fds[i], request, length) != length)
				fail("request");
		for (int i = first; i <= last; i++) {
			read_answer(fds[i]);
			took(since);
		}
	}
}

/* A connection for each request, which the server closes first. */
static void connections(int port, double microseconds)
{
	char request[512];
	int length = build(request, "close");
	double end = now(CLOCK_MONOTONIC) + microseconds, since;
	while ((since = now(CLOCK_MONOTONIC)) < end) {
		int fd = open_connection(port, SOCK_STREAM);
		if (write(fd, request, length) != length)
			fail("request");
		read_answer(fd);
		while (read(fd, answer, ANSWER_MOST) > 0)
			;
		close(fd);
		took(since);
	}
}

/* Asks for the address of host.test. */
static void dns(int port, double microseconds)
{
	unsigned char query[] = "\0\0\1\0\0\1\0\0\0\0\0\0\4host\4test\0\0\1\0\1";
	int fd = open_connection(port, SOCK_DGRAM);
	struct timeval patience = { .tv_sec = 5 };
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	double end = now(CLOCK_MONOTONIC) + microseconds, since;
	for (unsigned short id = 0; (since = now(CLOCK_MONOTONIC)) < end; id++) {
		memcpy(query, &id, sizeof(id));
		if (send(fd, query, sizeof(query) - 1, 0) < 0 || recv(fd, answer, ANSWER_MOST, 0) < 12)
			fail("query");
		took(since);
	}
	close(fd);
}

static void spawn(double microseconds)
{
	char *arguments[] = { "/bin/true", NULL };
	double end = now(CLOCK_MONOTONIC) + microseconds, since;
	while ((since = now(CLOCK_MONOTONIC)) < end) {
		pid_t child;
		if (posix_spawn(&child, arguments[0], NULL, NULL, arguments, environ) || waitpid(child, NULL, 0) != child)
			fail("spawn");
		took(since);
	}
}

/* An operation is a call; a look at the clock stands for many. */
static void calls(const char *name, double microseconds)
{
	int is_read = !strcmp(name, "read"), is_write = !strcmp(name, "write");
	int fd = is_read ? open("/dev/zero", O_RDONLY) : open("/dev/null", O_WRONLY);
	char byte = 0;
	double end = now(CLOCK_MONOTONIC) + microseconds, since;
	while ((since = now(CLOCK_MONOTONIC)) < end) {
		for (int i = 0; i < CALLS_A_LOOK; i++)
			if ((is_read ? read(fd, &byte, 1) : is_write ? write(fd, &byte, 1) : syscall(SYS_getppid)) < 0)
				fail(name);
		took(since);
	}
	close(fd);
}

static double processor_time(void)
{
	struct rusage self, children;
	getrusage(RUSAGE_SELF, &self);
	getrusage(RUSAGE_CHILDREN, &children);
	double seconds = self.ru_utime.tv_sec + self.ru_stime.tv_sec + children.ru_utime.tv_sec + children.ru_stime.tv_sec;
	return seconds * 1e6 + self.ru_utime.tv_usec + self.ru_stime.tv_usec + children.ru_utime.tv_usec + children.ru_stime.tv_usec;
}

int main(void)
{
	char line[256], kind[32];
	while (fgets(line, sizeof(line), stdin)) {
		int port = 0, many = 0;
		double milliseconds = 0, rate = 0;
		if (sscanf(line, "%31s %d %d %lf %lf", kind, &port, &many, &milliseconds, &rate) < 4 || many > CONNECTIONS_MOST)
			return 1;
		operations = 0;
		double wall = now(CLOCK_MONOTONIC), cpu = processor_time();
		if (!strcmp(kind, "http"))
			http(port, many, milliseconds * 1e3, rate);
		else if (!strcmp(kind, "connections"))
			connections(port, milliseconds * 1e3);
		else if (!strcmp(kind, "dns"))
			dns(port, milliseconds * 1e3);
		else if (!strcmp(kind, "spawn"))
			spawn(milliseconds * 1e3);
		else
			calls(kind, milliseconds * 1e3);
		wall = now(CLOCK_MONOTONIC) - wall;
		cpu = processor_time() - cpu;
		long kept = operations < LATENCIES_MOST ? operations : LATENCIES_MOST;
		int each = strcmp(kind, "read") && strcmp(kind, "write") && strcmp(kind, "getppid") ? 1 : CALLS_A_LOOK;
		qsort(latencies, kept, sizeof(float), by_size);
		printf("{\"operations\":%ld,\"wallUs\":%.1f,\"cpuUs\":%.1f,\"medianUs\":%.4f,\"p99Us\":%.4f}\n", operations * each, wall, cpu,
		       kept ? latencies[kept / 2] / each : 0, kept ? latencies[kept * 99 / 100] / each : 0);
		fflush(stdout);
	}
	return 0;
}
