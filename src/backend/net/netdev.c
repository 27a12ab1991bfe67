/*
 * backend/net/netdev.c - what all network backends share: the frames that wait for the guest.
 *
 * Order is kept: while one frame waits, later ones queue behind it.
 */
#include "backend/net/netdev.h"

#include <stdlib.h>
#include <string.h>

struct waiting_frame {
    struct list_node node;
    size_t len;
    uint8_t bytes[];
};

static void backlog_drop_first(struct netdev *netdev)
{
    free(list_entry(list_pop(&netdev->backlog), struct waiting_frame, node));
    netdev->backlog_count--;
}

static bool hand_over(struct netdev *netdev, const uint8_t *frame, size_t len)
{
    return netdev->handler == NULL || netdev->handler->receive(netdev->opaque, frame, len);
}

static void run_resume(struct loop_work *work)
{
    struct netdev *netdev = container_of(work, struct netdev, resume);
    bool was_congested = netdev_is_congested(netdev);

    while (!list_empty(&netdev->backlog)) {
        struct waiting_frame *frame = list_entry(netdev->backlog.next, struct waiting_frame, node);

        if (!hand_over(netdev, frame->bytes, frame->len))
            break;
        backlog_drop_first(netdev);
    }
    if (was_congested && !netdev_is_congested(netdev) && netdev->ops->uncongested != NULL)
        netdev->ops->uncongested(netdev);
}

void netdev_init(struct netdev *netdev, const struct netdev_ops *ops, struct loop *loop)
{
    memset(netdev, 0, sizeof(*netdev));
    netdev->ops = ops;
    netdev->loop = loop;
    list_init(&netdev->backlog);
    loop_work_init(&netdev->resume, loop, run_resume);
}

void netdev_fini(struct netdev *netdev)
{
    loop_work_cancel(&netdev->resume);
    while (!list_empty(&netdev->backlog))
        backlog_drop_first(netdev);
}

void netdev_deliver(struct netdev *netdev, const uint8_t *frame, size_t len)
{
    struct waiting_frame *waiting;

    if (list_empty(&netdev->backlog) && hand_over(netdev, frame, len))
        return;
    waiting = netdev->backlog_count < NETDEV_BACKLOG_MAX ? malloc(sizeof(*waiting) + len) : NULL;
    if (waiting == NULL) {
        netdev->dropped++;
        return;
    }
    waiting->len = len;
    memcpy(waiting->bytes, frame, len);
    list_append(&netdev->backlog, &waiting->node);
    netdev->backlog_count++;
}

void netdev_set_handler(struct netdev *netdev, const struct netdev_handler *handler, void *opaque)
{
    netdev->handler = handler;
    netdev->opaque = opaque;
}

void netdev_send(struct netdev *netdev, const uint8_t *frame, size_t len)
{
    netdev->ops->send(netdev, frame, len);
}

void netdev_resume(struct netdev *netdev)
{
    loop_work_post(&netdev->resume);
}

void netdev_close(struct netdev *netdev)
{
    if (netdev != NULL)
        netdev->ops->close(netdev);
}
