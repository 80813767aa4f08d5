# httpd with mod_chatbot and nothing else, as user www-data on port 8000. It is configured by environment
# variables (docs/install.md), logs lines of JSON, and runs with a read-only root: it writes to
# /run/chatbot alone.
FROM debian:bookworm-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends make
WORKDIR /src
COPY Makefile mod_chatbot.c ./
COPY t/lib/install-packages t/lib/
RUN make deps
COPY modules modules/
RUN make -j"$(nproc)" build/mod_chatbot.so

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends apache2-bin ca-certificates libcurl4 libjson-c5 \
    && rm -rf /var/lib/apt/lists/* \
    && install -d -o www-data -g www-data /run/chatbot \
    && install -d /etc/chatbot/conf.d /etc/chatbot/empty
COPY --from=build /src/build/mod_chatbot.so /usr/lib/apache2/modules/
COPY conf/container-start conf/container-health /usr/local/bin/
COPY conf/httpd-container.conf conf/chatbot.conf conf/logging.conf /etc/chatbot/

# www-data, as a number, so that an orchestrator sees that it is not root.
USER 33:33
EXPOSE 8000
VOLUME ["/run/chatbot"]
# Gracefully: chats in flight are answered first.
STOPSIGNAL SIGWINCH
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s --retries=3 CMD ["container-health"]
ENTRYPOINT ["container-start"]
CMD ["apache2", "-DFOREGROUND", "-f", "/etc/chatbot/httpd-container.conf"]
