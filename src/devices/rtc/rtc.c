/*
 * devices/rtc/rtc.c - the goldfish real-time clock: 64-bit nanoseconds since 1970 in two words.
 *
 * Reading TIME_LOW latches TIME_HIGH, so that the pair is from one instant. The guest may set the
 * time: then an offset to the host's wall clock is kept, over resets too, as a battery would. The
 * alarm is a point of the guest's time; the loop's timer runs on another clock, so it only says
 * when to look, and looks again if the wall clock was set back meanwhile.
 *
 * Registers, 32 bits each:
 *     0x00 TIME_LOW   0x04 TIME_HIGH       read: latched by TIME_LOW; write: sets that half
 *     0x08 ALARM_LOW  0x0c ALARM_HIGH      writing LOW starts the alarm
 *     0x10 IRQ_ENABLED                     bit 0
 *     0x14 CLEAR_ALARM                     any write stops the alarm
 *     0x18 ALARM_STATUS                    1 while an alarm runs
 *     0x1c CLEAR_INTERRUPT                 any write
 */
#include "devices/rtc/rtc.h"

#include <time.h>

#include "base/bitops.h"
#include "base/compiler.h"

enum {
    RTC_TIME_LOW = 0x00,
    RTC_TIME_HIGH = 0x04,
    RTC_ALARM_LOW = 0x08,
    RTC_ALARM_HIGH = 0x0c,
    RTC_IRQ_ENABLED = 0x10,
    RTC_CLEAR_ALARM = 0x14,
    RTC_ALARM_STATUS = 0x18,
    RTC_CLEAR_INTERRUPT = 0x1c,
};

/* An alarm far away is looked at once a day: a deadline then never overflows. */
static const uint64_t longest_wait_ns = UINT64_C(86400) * 1000000000;

static uint64_t wall_now_ns(const struct clock *clock)
{
    struct timespec ts;

    (void)clock;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

const struct clock rtc_wall_clock = { .now_ns = wall_now_ns };

static uint64_t time_now(const struct rtc *rtc)
{
    return clock_now_ns(rtc->wall) + rtc->offset;
}

static void update_irq(struct rtc *rtc)
{
    irq_set(&rtc->irq, rtc->irq_pending && rtc->irq_enabled);
}

/* Fires the alarm if its time has come, else sees to it that we look again. */
static void update_alarm(struct rtc *rtc)
{
    uint64_t now = time_now(rtc), wait;

    if (!rtc->alarm_running) {
        loop_timer_disarm(&rtc->timer);
    } else if (rtc->alarm <= now) {
        loop_timer_disarm(&rtc->timer);
        rtc->alarm_running = false;
        rtc->irq_pending = true;
        update_irq(rtc);
    } else {
        wait = rtc->alarm - now < longest_wait_ns ? rtc->alarm - now : longest_wait_ns;
        loop_timer_arm(&rtc->timer, clock_now_ns(rtc->clock) + wait);
    }
}

static void rtc_fire(struct loop_timer *timer)
{
    struct rtc *rtc = container_of(timer, struct rtc, timer);

    pthread_mutex_lock(&rtc->dev.lock);
    update_alarm(rtc);
    pthread_mutex_unlock(&rtc->dev.lock);
}

static void set_time(struct rtc *rtc, uint64_t time)
{
    rtc->offset = time - clock_now_ns(rtc->wall);
    update_alarm(rtc);
}

static enum mem_result rtc_read(struct mem_region *region, gpa_t off, unsigned size, uint64_t *val)
{
    struct rtc *rtc = container_of(region, struct rtc, mmio);
    uint64_t now;

    (void)size; /* always 4 */
    switch (off) {
    case RTC_TIME_LOW:
        now = time_now(rtc);
        rtc->latched_high = (uint32_t)(now >> 32);
        *val = (uint32_t)now;
        break;
    case RTC_TIME_HIGH:
        *val = rtc->latched_high;
        break;
    case RTC_ALARM_LOW:
        *val = (uint32_t)rtc->alarm;
        break;
    case RTC_ALARM_HIGH:
        *val = rtc->alarm >> 32;
        break;
    case RTC_IRQ_ENABLED:
        *val = rtc->irq_enabled;
        break;
    case RTC_ALARM_STATUS:
        *val = rtc->alarm_running;
        break;
    default:
        *val = 0;
        break;
    }
    return MEM_OK;
}

static enum mem_result rtc_write(struct mem_region *region, gpa_t off, unsigned size, uint64_t val)
{
    struct rtc *rtc = container_of(region, struct rtc, mmio);

    (void)size;
    switch (off) {
    case RTC_TIME_LOW:
        set_time(rtc, deposit64(time_now(rtc), 0, 32, val));
        break;
    case RTC_TIME_HIGH:
        set_time(rtc, deposit64(time_now(rtc), 32, 32, val));
        break;
    case RTC_ALARM_LOW:
        rtc->alarm = deposit64(rtc->alarm, 0, 32, val);
        rtc->alarm_running = true;
        update_alarm(rtc);
        break;
    case RTC_ALARM_HIGH:
        rtc->alarm = deposit64(rtc->alarm, 32, 32, val);
        break;
    case RTC_IRQ_ENABLED:
        rtc->irq_enabled = val & 1;
        update_irq(rtc);
        break;
    case RTC_CLEAR_ALARM:
        rtc->alarm_running = false;
        update_alarm(rtc);
        break;
    case RTC_CLEAR_INTERRUPT:
        rtc->irq_pending = false;
        update_irq(rtc);
        break;
    default:
        break;
    }
    return MEM_OK;
}

static const struct mem_region_ops rtc_mem_ops = {
    .read = rtc_read,
    .write = rtc_write,
    .min_size = 4,
    .max_size = 4,
};

static void rtc_reset(struct device *dev)
{
    struct rtc *rtc = container_of(dev, struct rtc, dev);

    rtc->alarm = 0;
    rtc->latched_high = 0;
    rtc->alarm_running = rtc->irq_pending = rtc->irq_enabled = false;
    update_alarm(rtc);
    update_irq(rtc);
}

static void rtc_unrealize(struct device *dev)
{
    loop_timer_disarm(&container_of(dev, struct rtc, dev)->timer);
}

static void rtc_pre_save(struct device *dev)
{
    struct rtc *rtc = container_of(dev, struct rtc, dev);

    rtc->saved_time = time_now(rtc);
}

static int rtc_post_load(struct device *dev, struct error *err)
{
    struct rtc *rtc = container_of(dev, struct rtc, dev);

    (void)err; /* any value is one a guest could have written */
    set_time(rtc, rtc->saved_time);
    update_irq(rtc);
    return 0;
}

static const struct state_field rtc_state[] = {
    STATE_UINT(struct rtc, saved_time),
    STATE_UINT(struct rtc, alarm),
    STATE_UINT(struct rtc, latched_high),
    STATE_BOOL(struct rtc, alarm_running),
    STATE_BOOL(struct rtc, irq_pending),
    STATE_BOOL(struct rtc, irq_enabled),
    STATE_END,
};

static const struct device_ops rtc_ops = {
    .type = "rtc",
    .reset = rtc_reset,
    .unrealize = rtc_unrealize,
    .pre_save = rtc_pre_save,
    .post_load = rtc_post_load,
    .state = rtc_state,
    .state_version = 1,
    .device_offset = offsetof(struct rtc, dev),
};

void rtc_init(struct rtc *rtc, const char *id, const struct clock *wall, const struct irq_line *irq,
              struct loop *loop)
{
    *rtc = (struct rtc){ .wall = wall, .clock = loop_clock(loop), .irq = *irq };
    device_init(&rtc->dev, &rtc_ops, id);
    mem_region_init_mmio(&rtc->mmio, id, RTC_SIZE, &rtc_mem_ops, &rtc->dev.lock);
    loop_timer_init(&rtc->timer, loop, rtc_fire);
}

void rtc_fini(struct rtc *rtc)
{
    device_unrealize(&rtc->dev);
    mem_region_fini(&rtc->mmio);
    device_fini(&rtc->dev);
}
