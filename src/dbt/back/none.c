/* dbt/back/none.c - for hosts no back end has been written for: everything is interpreted. */
#include "dbt/back/back.h"

const struct back_ops *const back_host = NULL;
