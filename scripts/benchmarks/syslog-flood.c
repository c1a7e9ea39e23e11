// Sends numbered log messages as programs do: one send() or write() a message, or several a write where asked.
//
//   syslog-flood unix PATH COUNT RATE              RATE messages a second, 0: flat out
//   syslog-flood udp HOST PORT COUNT RATE
//   syslog-flood tcp HOST PORT COUNT lf|octet CONNECTIONS MESSAGES_A_WRITE
//
// A message is 150 to 250 bytes, of one of eight programs, with its number at the head and at the end of the text: "n0000000042 ... n0000000042".
// Prints the wall clock at its first and last send, and the longest that one send took: "FIRST_NS LAST_NS LONGEST_NS".
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define SHAPES 64
#define BYTES_MAX 320
#define CONNECTIONS_MAX 64

static const char *programs[] = {"sshd", "postfix/smtpd", "cron", "dhclient", "nginx", "kernel-agent", "sudo", "myapp"};
static char shapes[SHAPES][BYTES_MAX];
static int lengths[SHAPES], heads[SHAPES], tails[SHAPES];

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static long long now_ns(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/** @param with_host what comes over a network names its host */
static void shape_messages(int with_host) {
  char stamp[32];
  time_t now = time(NULL);
  strftime(stamp, sizeof stamp, "%b %e %H:%M:%S", localtime(&now));
  for (int i = 0; i < SHAPES; i++) {
    int length = 150 + i * 100 / (SHAPES - 1);
    int at = snprintf(shapes[i], BYTES_MAX, "<%d>%s %s%s[%d]: ", 8 * (i % 8 + 1) + i % 7, stamp, with_host ? "client1 " : "", programs[i % 8], 1000 + i);
    heads[i] = at;
    at += 12;
    while (at < length - 12) {
      shapes[i][at] = at % 7 == 0 ? ' ' : 'a' + at % 26;
      at++;
    }
    shapes[i][heads[i]] = 'n';
    shapes[i][heads[i] + 11] = ' ';
    shapes[i][at++] = ' ';
    tails[i] = at;
    shapes[i][at] = 'n';
    lengths[i] = at + 11;
  }
}

static void put_number(char *at, long number) {
  for (int i = 10; i >= 1; i--) {
    at[i] = '0' + number % 10;
    number /= 10;
  }
}

/** Where message `number` lies. */
static char *message(long number, int *length) {
  int i = number % SHAPES;
  put_number(shapes[i] + heads[i], number);
  put_number(shapes[i] + tails[i], number);
  *length = lengths[i];
  return shapes[i];
}

static long long longest_ns;

static void send_datagrams(int fd, long count, long rate) {
  long long begun = now_ns(CLOCK_MONOTONIC);
  for (long n = 1; n <= count; n++) {
    int length;
    char *bytes = message(n, &length);
    if (rate > 0) {
      // In steps of a millisecond, as bursts come; never late by more than one.
      long long due = begun + (n - 1) / (rate / 1000 > 0 ? rate / 1000 : 1) * (rate / 1000 > 0 ? 1000000LL : 1000000000LL / rate);
      struct timespec at = {due / 1000000000LL, due % 1000000000LL};
      if (now_ns(CLOCK_MONOTONIC) < due) clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
      long long before = now_ns(CLOCK_MONOTONIC);
      while (send(fd, bytes, length, 0) < 0)
        if (errno != EINTR && errno != ECONNREFUSED) fail("send");
      long long took = now_ns(CLOCK_MONOTONIC) - before;
      if (took > longest_ns) longest_ns = took;
    } else
      while (send(fd, bytes, length, 0) < 0)
        if (errno != EINTR) fail("send");
  }
}

static void write_all(int fd, const char *bytes, size_t length) {
  while (length > 0) {
    ssize_t wrote = write(fd, bytes, length);
    if (wrote < 0) {
      if (errno == EINTR) continue;
      fail("write");
    }
    bytes += wrote;
    length -= wrote;
  }
}

static void send_stream(int *fds, int connections, long count, int octet, int a_write) {
  static char block[64 * (BYTES_MAX + 8)];
  long n = 1;
  int turn = 0;
  while (n <= count) {
    size_t at = 0;
    for (int i = 0; i < a_write && n <= count; i++, n++) {
      int length;
      char *bytes = message(n, &length);
      if (octet) at += sprintf(block + at, "%d ", length);
      memcpy(block + at, bytes, length);
      at += length;
      if (!octet) block[at++] = '\n';
    }
    write_all(fds[turn], block, at);
    turn = (turn + 1) % connections;
  }
}

static int connect_inet(int type, const char *host, const char *port) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(atoi(port))};
  inet_pton(AF_INET, host, &to.sin_addr);
  int fd = socket(AF_INET, type, 0);
  if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) < 0) fail("connect");
  return fd;
}

int main(int argc, char **argv) {
  if (argc < 5) {
    fprintf(stderr, "see the head of syslog-flood.c\n");
    return 64;
  }
  long long first, last;
  if (strcmp(argv[1], "tcp") == 0 && argc == 8) {
    int connections = atoi(argv[6]), fds[CONNECTIONS_MAX];
    if (connections < 1 || connections > CONNECTIONS_MAX) return 64;
    shape_messages(1);
    for (int i = 0; i < connections; i++) fds[i] = connect_inet(SOCK_STREAM, argv[2], argv[3]);
    first = now_ns(CLOCK_REALTIME);
    send_stream(fds, connections, atol(argv[4]), strcmp(argv[5], "octet") == 0, atoi(argv[7]));
    last = now_ns(CLOCK_REALTIME);
    for (int i = 0; i < connections; i++) close(fds[i]);
  } else {
    int is_unix = strcmp(argv[1], "unix") == 0, fd;
    shape_messages(!is_unix);
    if (is_unix) {
      struct sockaddr_un to = {.sun_family = AF_UNIX};
      strncpy(to.sun_path, argv[2], sizeof to.sun_path - 1);
      fd = socket(AF_UNIX, SOCK_DGRAM, 0);
      if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) < 0) fail(argv[2]);
    } else
      fd = connect_inet(SOCK_DGRAM, argv[2], argv[3]);
    char **rest = argv + (is_unix ? 3 : 4);
    first = now_ns(CLOCK_REALTIME);
    send_datagrams(fd, atol(rest[0]), atol(rest[1]));
    last = now_ns(CLOCK_REALTIME);
  }
  printf("%lld %lld %lld\n", first, last, longest_ns);
  return 0;
}
