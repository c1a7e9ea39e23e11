/* A client on the real C library: sends numbered messages to a group, or joins it and checks that they come, all and in order.
   numbered send DAEMON GROUP COUNT BYTES | numbered receive DAEMON GROUP COUNT */
#include <sp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char body[100000];
static char groups[100][MAX_GROUP_NAME];

static int fail(const char *what, int code)
{
  printf("cannot %s: %d\n", what, code);
  return 1;
}

static int send_all(mailbox box, const char *group, int count, int bytes)
{
  for (int number = 0; number < count; number++) {
    memset(body, 'x', bytes);
    body[sprintf(body, "%d ", number)] = 'x';
    int sent = SP_multicast(box, AGREED_MESS, group, 1, bytes, body);
    if (sent < 0) return fail("send", sent);
  }
  printf("sent %d\n", count);
  return 0;
}

static int receive_all(mailbox box, const char *group, int count)
{
  int joined = SP_join(box, group);
  if (joined < 0) return fail("join", joined);
  for (int next = 0; next < count;) {
    service type = 0;
    char sender[MAX_GROUP_NAME];
    int group_count, mismatch;
    int16 message_type;
    int got = SP_receive(box, &type, sender, 100, &group_count, groups, &message_type, &mismatch, sizeof body, body);
    if (got < 0) return fail("receive", got);
    if (Is_membership_mess(type)) {
      printf("view of %s: %d\n", sender, group_count);
      fflush(stdout);
    } else if (atoi(body) == next) {
      next++;
    } else {
      printf("got %d, not %d\n", atoi(body), next);
      return 1;
    }
  }
  printf("received %d in order\n", count);
  return 0;
}

int main(int argc, char **argv)
{
  mailbox box;
  char name[MAX_GROUP_NAME];
  int connected = SP_connect(argv[2], "", 0, 1, &box, name);
  if (connected < 0) return fail("connect", connected);
  int status = strcmp(argv[1], "send") == 0 ? send_all(box, argv[3], atoi(argv[4]), atoi(argv[5]))
                                            : receive_all(box, argv[3], atoi(argv[4]));
  SP_disconnect(box);
  return status;
}
