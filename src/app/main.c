#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "machine/machine.h"

struct app { struct loop *loop; int status; };
static void ended(void *opaque, enum machine_end how, unsigned code)
{
    struct app *app = opaque;
    (void)code;
    app->status = how == MACHINE_POWERED_OFF ? 0 : 1;
    loop_stop(app->loop);
}

int main(int argc, char **argv)
{
    struct error err;
    struct app app = { 0 };
    struct machine_config config = { .machine = "virt", .cpus = 1, .memory = GIB(1), .serial = "stdio" };
    struct machine_host host = { .ended = ended, .opaque = &app };
    struct machine *machine;
    struct strbuf stats;

    isa_config_default(&config.isa);
    for (int i = 1; i + 1 < argc; i += 2) {
        if (!strcmp(argv[i], "--kernel")) config.kernel = argv[i + 1];
        if (!strcmp(argv[i], "--initrd")) config.initrd = argv[i + 1];
        if (!strcmp(argv[i], "--cmdline")) config.cmdline = argv[i + 1];
        if (!strcmp(argv[i], "--bios")) config.bios = argv[i + 1];
        if (!strcmp(argv[i], "--cpus")) config.cpus = (unsigned)atoi(argv[i + 1]);
        if (!strcmp(argv[i], "--disk")) config.disk[config.disks++].path = argv[i + 1];
    }
    if (loop_new(&app.loop, &clock_host, &err) < 0 ||
        machine_new(&machine, &config, app.loop, &host, &err) < 0) {
        fprintf(stderr, "vireo: %s\n", err.text);
        return 3;
    }
    if (machine_start(machine, &err) < 0 || loop_run(app.loop, &err) < 0) {
        machine_free(machine);
        fprintf(stderr, "vireo: %s\n", err.text);
        return 3;
    }
    strbuf_init(&stats);
    machine_stats(machine, &stats);
    machine_free(machine);
    fprintf(stderr, "%s", strbuf_str(&stats));
    strbuf_fini(&stats);
    return app.status;
}
