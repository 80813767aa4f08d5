# mod_chatbot: `make help` says what can be made.

BUILD   ?= build
CC      ?= gcc
APXS    ?= $(firstword $(wildcard /usr/bin/apxs2 /usr/bin/apxs /usr/local/apache2/bin/apxs) apxs)
PACKAGES := apr-1 apr-util-1 libcurl json-c libcrypto zlib

# Flags only for the goals that compile: `make deps` must run before pkg-config is there.
PKG_CFLAGS  = $(patsubst -I%,-isystem %,$(shell pkg-config --cflags $(PACKAGES)))
PKG_LIBS    = $(shell pkg-config --libs $(PACKAGES))
HTTPD_FLAGS = -isystem $(shell $(APXS) -q INCLUDEDIR)

OPTIMISE ?= -O2 -g
WARN     := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
            -Wformat=2 -Wundef -Werror
HARDEN   ?= -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fstack-clash-protection
CFLAGS_ALL = -std=gnu11 -D_GNU_SOURCE -pthread -fPIC -fvisibility=hidden $(OPTIMISE) $(HARDEN) \
             $(WARN) -Imodules $(PKG_CFLAGS) $(HTTPD_FLAGS) $(CFLAGS)
LDFLAGS_ALL = -pthread -Wl,-z,relro,-z,now -Wl,-z,noexecstack $(LDFLAGS)

# Everything below http/ builds without httpd: one archive, for the module, the unit tests, the fuzzers.
CORE_SRC     := $(sort $(foreach d,base shm loop aws backend chat,$(wildcard modules/$d/*.c)))
HTTP_SRC     := $(sort $(wildcard modules/http/*.c)) $(wildcard mod_chatbot.c)
EMULATOR_SRC := $(sort $(wildcard modules/emulator/*.c modules/base/*.c))
UNIT_SRC     := $(sort $(wildcard t/unit/test_*.c))

CORE_OBJ     := $(CORE_SRC:%.c=$(BUILD)/%.o)
HTTP_OBJ     := $(HTTP_SRC:%.c=$(BUILD)/%.o)
EMULATOR_OBJ := $(EMULATOR_SRC:%.c=$(BUILD)/%.o)
UNIT_BIN     := $(UNIT_SRC:t/unit/test_%.c=$(BUILD)/t/unit/%)

.PHONY: all modules unit
all: modules
modules: $(BUILD)/mod_chatbot.so $(BUILD)/mod_aws_emulator.so
unit: $(UNIT_BIN)

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) -MMD -MP -c $< -o $@

$(BUILD)/libcore.a: $(CORE_OBJ)
	@rm -f $@
	ar rcs $@ $^

$(BUILD)/mod_chatbot.so: $(HTTP_OBJ) $(CORE_OBJ)
	$(CC) -shared $(LDFLAGS_ALL) -o $@ $^ $(PKG_LIBS)

$(BUILD)/mod_aws_emulator.so: $(EMULATOR_OBJ)
	$(CC) -shared $(LDFLAGS_ALL) -o $@ $^ $(PKG_LIBS)

$(BUILD)/t/unit/%: $(BUILD)/t/unit/test_%.o $(BUILD)/libcore.a
	$(CC) $(LDFLAGS_ALL) -o $@ $^ $(PKG_LIBS)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
