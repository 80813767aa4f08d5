# mod_chatbot: `make help` says what can be made.

BUILD ?= build
CC    ?= gcc
CLANG ?= clang
APXS  ?= $(firstword $(wildcard /usr/bin/apxs2 /usr/bin/apxs /usr/local/apache2/bin/apxs) apxs)
ifeq ($(origin CC),default)
CC := gcc
endif

# What `make deps` and its sisters install on Debian. apache2-bin is httpd itself without the
# system service of the apache2 package, so nothing is started or enabled on the machine.
DEPS             := apache2-bin apache2-dev ca-certificates curl gcc libapr1-dev libaprutil1-dev \
                    libc6-dev libcurl4-openssl-dev libjson-c-dev libssl-dev pkg-config zlib1g-dev
DEPS_TEST        := libapache2-mod-perl2 libcpanel-json-xs-perl openssl perl python3-prometheus-client redis-server
DEPS_LINT        := clang clang-format clang-tidy cppcheck shellcheck universal-ctags
DEPS_FUZZ        := clang libclang-rt-14-dev llvm
DEPS_VALGRIND    := valgrind
DEPS_CONFORMANCE := python3 python3-boto3 python3-botocore
DEPS_BENCH       := nginx-light
DEPS_DEB         := debhelper dpkg-dev
DEPS_PACKAGES    := debootstrap lintian perl util-linux
# npm often comes with a newer node, from elsewhere.
DEPS_UI           = chromium $(if $(shell command -v npm),,nodejs npm)

# Asked once, at the first recipe that compiles: `make deps` runs before pkg-config is there.
ask = $(eval $1 := $2)$($1)
PACKAGES    := apr-1 apr-util-1 libcurl json-c libcrypto zlib
missing      = $(error something to build with is not installed; as root: make deps)
PKG_CFLAGS   = $(call ask,PKG_CFLAGS,$(patsubst -I%,-isystem %,$(or $(shell pkg-config --cflags $(PACKAGES)),$(missing))))
PKG_LIBS     = $(call ask,PKG_LIBS,$(shell pkg-config --libs $(PACKAGES)))
HTTPD_CFLAGS = $(call ask,HTTPD_CFLAGS,-isystem $(shell $(APXS) -q INCLUDEDIR))
LIBEXECDIR   = $(call ask,LIBEXECDIR,$(shell $(APXS) -q LIBEXECDIR))
SYSCONFDIR   = $(call ask,SYSCONFDIR,$(shell $(APXS) -q SYSCONFDIR))
HTTPD       ?= $(call ask,HTTPD,$(shell $(APXS) -q SBINDIR)/$(shell $(APXS) -q PROGNAME))

OPTIMISE ?= -O2 -g
WARN     := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
            -Wformat=2 -Wundef -Werror
HARDEN   ?= -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fstack-clash-protection
BASICS   := -std=gnu11 -D_GNU_SOURCE -pthread -fPIC -fvisibility=hidden -Imodules
CFLAGS_ALL  = $(BASICS) $(OPTIMISE) $(HARDEN) $(WARN) $(PKG_CFLAGS) $(CFLAGS)
LDFLAGS_ALL = -pthread -Wl,-z,relro,-z,now -Wl,-z,noexecstack -Wl,--as-needed $(LDFLAGS)

# Everything below http/ builds without httpd: one archive, for the module, the unit tests, the fuzzers.
CORE_SRC     := $(sort $(foreach d,base shm loop aws backend chat,$(wildcard modules/$d/*.c)))
HTTP_SRC     := $(sort $(wildcard modules/http/*.c)) $(wildcard mod_chatbot.c)
EMULATOR_SRC := $(sort $(wildcard modules/emulator/*.c modules/base/*.c))
PAGES        := $(sort $(wildcard modules/http/pages/*))
HEADERS      := $(sort $(wildcard modules/*/*.h))
UNIT_SRC     := $(sort $(wildcard t/unit/test_*.c))
FUZZ_SRC     := $(sort $(wildcard t/fuzz/fuzz_*.c))
HELPER_SRC   := $(sort $(wildcard t/conformance/*.c))
PRELOAD_SRC  := $(sort $(wildcard t/preload/*.c))
TOOL_SRC     := $(sort $(wildcard t/lib/*.c))
BENCH_SRC    := $(sort $(wildcard t/bench/*.c))

CORE_OBJ     := $(CORE_SRC:%.c=$(BUILD)/%.o)
HTTP_OBJ     := $(HTTP_SRC:%.c=$(BUILD)/%.o) $(BUILD)/modules/http/pages.o
EMULATOR_OBJ := $(EMULATOR_SRC:%.c=$(BUILD)/%.o)
UNIT_BIN     := $(UNIT_SRC:t/unit/test_%.c=$(BUILD)/t/unit/%)
REPLAY_BIN   := $(FUZZ_SRC:t/fuzz/fuzz_%.c=$(BUILD)/t/fuzz/replay_%)
FUZZ_BIN     := $(FUZZ_SRC:t/fuzz/%.c=$(BUILD)/fuzz/%)
HELPER_BIN   := $(HELPER_SRC:%.c=$(BUILD)/%) $(PRELOAD_SRC:%.c=$(BUILD)/%.so)
TOOL_BIN     := $(TOOL_SRC:%.c=$(BUILD)/%)
BENCH_BIN    := $(BENCH_SRC:%.c=$(BUILD)/%)

.PHONY: all modules unit tools helpers bench-tools deps deps-test deps-lint deps-fuzz deps-valgrind \
        deps-conformance deps-bench deps-ui test-ui test-ui-now run run-now test test-now test-asan test-tsan test-valgrind coverage \
        fuzz fuzz-now conformance conformance-now lint bench soak install clean help \
        deps-deb deps-packages deb deb-now test-packages
.DELETE_ON_ERROR:
.SECONDARY:

all: modules ## build/mod_chatbot.so and build/mod_aws_emulator.so (the default)
modules: $(BUILD)/mod_chatbot.so $(BUILD)/mod_aws_emulator.so
unit: $(UNIT_BIN)
tools: $(TOOL_BIN) $(REPLAY_BIN)
helpers: $(HELPER_BIN)
bench-tools: $(BENCH_BIN)

# -- building ------------------------------------------------------------------------------------

# One short line for each file made; V=1 shows the commands.
say = $(if $(V),,@echo '  making $@';)

$(HTTP_OBJ) $(EMULATOR_OBJ): CFLAGS_ALL += $(HTTPD_CFLAGS)
$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(say)$(CC) $(CFLAGS_ALL) -MMD -MP -c $< -o $@

# The browsers' pages, as C. The folder is there for files that come and go.
$(BUILD)/modules/http/pages.c: modules/http/embed-pages $(PAGES) modules/http/pages
	@mkdir -p $(@D)
	$(say)perl $< $(PAGES) >$@
$(BUILD)/modules/http/pages.o: $(BUILD)/modules/http/pages.c
	$(say)$(CC) $(CFLAGS_ALL) -MMD -MP -c $< -o $@

$(BUILD)/libcore.a: $(CORE_OBJ)
	@rm -f $@
	$(say)ar rcs $@ $^

$(BUILD)/mod_chatbot.so: $(HTTP_OBJ) $(CORE_OBJ)
	$(say)$(CC) -shared $(LDFLAGS_ALL) -o $@ $^ $(PKG_LIBS)

$(BUILD)/mod_aws_emulator.so: $(EMULATOR_OBJ)
	$(say)$(CC) -shared $(LDFLAGS_ALL) -o $@ $^ $(PKG_LIBS)

$(BUILD)/t/unit/%: $(BUILD)/t/unit/test_%.o $(BUILD)/libcore.a
	$(say)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(PKG_LIBS)

$(BUILD)/t/conformance/%: $(BUILD)/t/conformance/%.o $(BUILD)/libcore.a
	$(say)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(PKG_LIBS)

$(BUILD)/t/fuzz/replay_%: $(BUILD)/t/fuzz/fuzz_%.o $(BUILD)/t/fuzz/replay.o $(BUILD)/libcore.a
	$(say)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(PKG_LIBS)

$(BUILD)/t/preload/%.so: $(BUILD)/t/preload/%.o
	$(say)$(CC) -shared $(LDFLAGS_ALL) -o $@ $^

$(BUILD)/t/lib/%: $(BUILD)/t/lib/%.o
	$(say)$(CC) $(LDFLAGS_ALL) -o $@ $^

$(BUILD)/t/bench/%: $(BUILD)/t/bench/%.o $(BUILD)/libcore.a
	$(say)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(PKG_LIBS)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

# -- what must be installed ----------------------------------------------------------------------

deps: ## installs what building and running need (Debian packages, only those missing)
	@t/lib/install-packages $(DEPS)
deps-test:
	@t/lib/install-packages $(DEPS) $(DEPS_TEST)
deps-lint:
	@t/lib/install-packages $(DEPS) $(DEPS_LINT)
deps-fuzz:
	@t/lib/install-packages $(DEPS) $(DEPS_FUZZ)
deps-valgrind:
	@t/lib/install-packages $(DEPS) $(DEPS_TEST) $(DEPS_VALGRIND)
deps-conformance:
	@t/lib/install-packages $(DEPS) $(DEPS_TEST) $(DEPS_CONFORMANCE)
# A peer that cannot be installed is left out.
deps-bench:
	@t/lib/install-packages $(DEPS) $(DEPS_TEST)
	@t/lib/install-packages $(DEPS_BENCH) || true
# Without a browser the test is skipped.
deps-ui:
	@t/lib/install-packages $(DEPS) $(DEPS_TEST)
	@t/lib/install-packages $(DEPS_UI) || true
deps-deb:
	@t/lib/install-packages $(DEPS) $(DEPS_DEB)
# Without them the tests are skipped.
deps-packages:
	@t/lib/install-packages $(DEPS) $(DEPS_DEB)
	@t/lib/install-packages $(DEPS_PACKAGES) || true

# -- running -------------------------------------------------------------------------------------

# Ends with make, also when make itself is killed: no httpd is left behind.
WITH_PARENT = exec setpriv --pdeathsig TERM

PORT          ?= 8000
EMULATOR_PORT ?= 8001

run: deps ## httpd with the module and the local AWS stand-in, in the foreground (PORT=, EMULATOR_PORT=)
	@$(WITH_PARENT) $(MAKE) --no-print-directory run-now
run-now: modules
	@$(WITH_PARENT) env HTTPD='$(HTTPD)' LIBEXECDIR='$(LIBEXECDIR)' BUILD='$(BUILD)' PORT='$(PORT)' \
	  EMULATOR_PORT='$(EMULATOR_PORT)' t/lib/run-demo

# -- testing -------------------------------------------------------------------------------------

# Everything is run by one prove: the unit tests' programs and the scripts of t/.
TESTS       ?= $(UNIT_BIN) $(sort $(wildcard t/*.t))
PROVE_FLAGS ?= --timer --failures -j2
TEST_ENV     = BUILD='$(abspath $(BUILD))' HTTPD='$(HTTPD)' LIBEXECDIR='$(LIBEXECDIR)'

test: deps-test ## every test (TESTS='t/10-*.t' for some)
	@$(MAKE) --no-print-directory test-now
test-now: modules unit tools helpers
	$(TEST_ENV) t/lib/prove $(PROVE_FLAGS) $(TESTS)

SANITIZED = test BUILD=$(BUILD)/$1 HARDEN= OPTIMISE='-O1 -g -fno-omit-frame-pointer' \
            CFLAGS='-fsanitize=$2 -fno-sanitize-recover=all' LDFLAGS='-fsanitize=$2' SANITIZER=$1

test-asan: ## the same tests under AddressSanitizer and UndefinedBehaviorSanitizer, httpd included
	@$(MAKE) --no-print-directory $(call SANITIZED,asan,address$(,)undefined)
test-tsan: ## the same tests under ThreadSanitizer, httpd included
	@$(MAKE) --no-print-directory $(call SANITIZED,tsan,thread)
, := ,
export SANITIZER

# Of the product's lines, without the stand-in's. As slow as a sanitizer, and the tests must know.
COVERAGE      ?= 90
COVERAGE_BUILD = BUILD=$(BUILD)/coverage HARDEN= OPTIMISE='-O0 -g' \
                 CFLAGS='--coverage -fprofile-update=atomic' LDFLAGS=--coverage SANITIZER=coverage

coverage: deps-test ## the same tests, and how many lines they ran; fails below COVERAGE=90 percent
	@$(MAKE) --no-print-directory modules unit tools helpers $(COVERAGE_BUILD)
	@t/lib/coverage '$(BUILD)/coverage' $(COVERAGE) $(MAKE) --no-print-directory test-now $(COVERAGE_BUILD)

VALGRIND = valgrind -q --error-exitcode=9 --leak-check=full --errors-for-leak-kinds=definite,indirect,possible

test-valgrind: deps-valgrind ## the unit tests under valgrind: no error, no leak
	@$(MAKE) --no-print-directory unit
	prove $(PROVE_FLAGS) --exec '$(VALGRIND)' $(UNIT_BIN)

FUZZ_SECONDS ?= 60
FUZZ_CFLAGS   = $(BASICS) -O1 -g $(WARN) $(PKG_CFLAGS) -fno-sanitize-recover=all

fuzz: deps-fuzz ## libFuzzer on every target, FUZZ_SECONDS=60 each; what it finds goes to build/fuzz
	@$(MAKE) --no-print-directory fuzz-now
fuzz-now: $(FUZZ_BIN)
	t/lib/fuzz '$(BUILD)' $(FUZZ_SECONDS) $(FUZZ_SRC:t/fuzz/fuzz_%.c=%)

$(BUILD)/fuzz/obj/%.o: %.c
	@mkdir -p $(@D)
	$(say)$(CLANG) $(FUZZ_CFLAGS) -fsanitize=fuzzer-no-link,address,undefined -MMD -MP -c $< -o $@
$(BUILD)/fuzz/fuzz_%: $(BUILD)/fuzz/obj/t/fuzz/fuzz_%.o $(CORE_SRC:%.c=$(BUILD)/fuzz/obj/%.o)
	$(say)$(CLANG) -fsanitize=fuzzer,address,undefined -pthread -o $@ $^ $(PKG_LIBS)

conformance: deps-conformance ## against code that is not ours: AWS's SDKs, botocore, the official vectors
	@t/conformance/install-node-packages '$(BUILD)/node'
	@$(MAKE) --no-print-directory conformance-now
conformance-now: modules helpers $(TOOL_BIN)
	$(TEST_ENV) t/lib/prove $(PROVE_FLAGS) $(sort $(wildcard t/conformance/*.t))

test-ui: deps-ui ## the pages in Chromium, the OpenAPI document in others' tools (SCREENSHOTS=folder for pictures)
	@t/ui/install-packages '$(BUILD)/ui'
	@$(MAKE) --no-print-directory test-ui-now
test-ui-now: modules
	$(TEST_ENV) t/lib/prove $(PROVE_FLAGS) t/ui/pages.t

bench: deps-bench ## speed beside the module's peers, measured in one run (BENCH_SECONDS=150)
	@$(MAKE) --no-print-directory modules tools bench-tools
	$(TEST_ENV) t/bench/run
	$(BUILD)/t/bench/limiter
	$(TEST_ENV) t/bench/streams

SOAK_REQUESTS ?= 1000000

soak: deps-test ## the history checker (t/90-history.t) for SOAK_REQUESTS=1000000 requests, or for SOAK_SECONDS
	@$(MAKE) --no-print-directory modules
	$(TEST_ENV) SOAK_REQUESTS='$(SOAK_REQUESTS)' SOAK_SECONDS='$(SOAK_SECONDS)' t/lib/prove -v t/90-history.t

# -- lint ----------------------------------------------------------------------------------------

LINTS := includes banned sizes leftovers conventions scripts
TIDY  := $(patsubst %.c,$(BUILD)/lint/%.tidy,$(sort $(CORE_SRC) $(HTTP_SRC) $(EMULATOR_SRC)))
CLANG_OBJ := $(patsubst %.c,$(BUILD)/lint/%.o,$(sort $(CORE_SRC) $(HTTP_SRC) $(EMULATOR_SRC) \
             $(UNIT_SRC) $(FUZZ_SRC) $(HELPER_SRC) $(PRELOAD_SRC) $(TOOL_SRC) $(BENCH_SRC)))

lint: deps-lint ## every static check: house rules, formatting, clang-tidy, cppcheck, warnings of two compilers
	@$(MAKE) --no-print-directory -k -j2 --output-sync=target lint-now
.PHONY: lint-now lint-format lint-cppcheck lint-exports lint-tidy lint-clang lint-gcc \
        lint-selftest $(LINTS:%=lint-%)
lint-now: $(LINTS:%=lint-%) lint-selftest lint-format lint-gcc lint-clang lint-exports lint-cppcheck lint-tidy
	@echo 'lint: clean'

$(LINTS:%=lint-%): lint-%:
	@APXS='$(APXS)' t/lint/$*
lint-selftest:
	@APXS='$(APXS)' t/lint/selftest
lint-format:
	@clang-format --dry-run --Werror $(wildcard *.c) $(wildcard modules/*/*.[ch]) $(wildcard t/*/*.[ch])
lint-gcc: modules unit tools helpers bench-tools
lint-clang: $(CLANG_OBJ)
lint-exports: modules
	@t/lint/exports $(BUILD)/mod_chatbot.so chatbot_module $(BUILD)/mod_aws_emulator.so aws_emulator_module
lint-tidy: $(TIDY)
lint-cppcheck:
	@mkdir -p $(BUILD)/lint/cppcheck
	@cppcheck --quiet --enable=warning,style,performance,portability --error-exitcode=1 --inline-suppr \
	  --suppressions-list=t/lint/cppcheck.txt --cppcheck-build-dir=$(BUILD)/lint/cppcheck \
	  --std=c11 -D_GNU_SOURCE -Imodules $(wildcard *.c) modules

$(BUILD)/lint/%.o: %.c
	@mkdir -p $(@D)
	@$(CLANG) $(BASICS) -O1 $(WARN) $(PKG_CFLAGS) $(HTTPD_CFLAGS) -MMD -MP -c $< -o $@
$(BUILD)/lint/%.tidy: %.c $(HEADERS) .clang-tidy
	@mkdir -p $(@D)
	@clang-tidy --quiet --warnings-as-errors='*' $< -- $(BASICS) $(PKG_CFLAGS) $(HTTPD_CFLAGS) 2>$@.err \
	  || { grep -v 'warnings generated' $@.err; exit 1; }
	@touch $@

# -- installing ----------------------------------------------------------------------------------

MODS_AVAILABLE = $(DESTDIR)$(SYSCONFDIR)/mods-available

install: modules ## into httpd's module folder; chatbot.load and .conf where a2enmod finds them (DESTDIR=)
	install -D -m 644 $(BUILD)/mod_chatbot.so '$(DESTDIR)$(LIBEXECDIR)/mod_chatbot.so'
	@if [ -d '$(SYSCONFDIR)/mods-available' ] || [ -d '$(MODS_AVAILABLE)' ]; then \
	  install -D -m 644 -t '$(MODS_AVAILABLE)' conf/chatbot.load; \
	  conf='$(MODS_AVAILABLE)/chatbot.conf'; \
	  if [ -e "$$conf" ] && ! cmp -s conf/chatbot.conf "$$conf"; then \
	    echo "kept $$conf as it is; the one of this version is chatbot.conf.new beside it"; conf=$$conf.new; \
	  fi; \
	  install -m 644 conf/chatbot.conf "$$conf"; \
	  sed -i 's#/usr/lib/apache2/modules#$(LIBEXECDIR)#' '$(MODS_AVAILABLE)/chatbot.load'; \
	  if [ -n '$(DESTDIR)' ]; then echo 'installed under $(DESTDIR)'; \
	  elif command -v a2enmod >/dev/null; then \
	    echo 'installed; now: a2enmod chatbot && apachectl configtest && apachectl graceful'; \
	  else echo "installed; a2enmod, which enables it, is in Debian's package apache2"; fi; \
	else \
	  echo 'installed; now add to httpd.conf what conf/chatbot.load and conf/chatbot.conf say'; \
	fi

# dpkg-buildpackage wants debian/ at the top of a tree: one is made for it. deps-deb, not dpkg, sees to
# what it builds with.
VERSION  = $(shell sed -n 's/^\#define CHATBOT_VERSION "\(.*\)"/\1/p' modules/http/version.h)
DEB_DATE = $(or $(shell git log -1 --format=%cD 2>/dev/null),$(shell date -R))
DEB_TREE = $(BUILD)/deb/mod-chatbot

deb: deps-deb ## build/deb/libapache2-mod-chatbot_*.deb
	@$(MAKE) --no-print-directory deb-now
deb-now:
	@rm -rf '$(BUILD)/deb'
	@mkdir -p '$(DEB_TREE)'
	@cp -a Makefile mod_chatbot.c modules conf docs README.md LICENSE '$(DEB_TREE)'
	@cp -a conf/debian '$(DEB_TREE)/debian'
	@sed -i -e 's/@VERSION@/$(VERSION)/' -e 's/@DATE@/$(DEB_DATE)/' '$(DEB_TREE)/debian/changelog'
	@cd '$(DEB_TREE)' && env -u MAKEFLAGS -u MFLAGS -u BUILD -u CFLAGS -u LDFLAGS \
	  dpkg-buildpackage -d -us -uc -b >../build.log 2>&1 </dev/null || { tail -n 50 ../build.log; exit 1; }
	@ls $(BUILD)/deb/libapache2-mod-chatbot_*.deb

test-packages: deps-packages ## the package and the Dockerfile, in Debian systems of their own (root, debootstrap)
	@$(MAKE) --no-print-directory deb-now modules
	$(TEST_ENV) t/lib/prove $(PROVE_FLAGS) $(sort $(wildcard t/packages/*))

clean: ## removes build/
	rm -rf $(BUILD)

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile
