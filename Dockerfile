# One image a program: `docker build --build-arg PROGRAM=gateway
# --build-arg SOURCES=microservices/gateway .`; see docs/containers.md.
ARG RUST_IMAGE=rust:1.95-bookworm
ARG RUNTIME_IMAGE=debian:bookworm-slim

# The manifests, and an empty source wherever one of them expects a program or a library.
FROM ${RUST_IMAGE} AS manifests
WORKDIR /twofold
COPY . .
RUN find . -type f ! -name Cargo.toml ! -name Cargo.lock ! -path '*/src/lib.rs' \
        ! -path '*/src/main.rs' ! -path '*/src/bin/*.rs' ! -path '*/benches/*.rs' -delete \
    && find . -name '*.rs' | while read -r source; do echo 'fn main() {}' >"$source"; done \
    && find . -path '*/src/lib.rs' -exec truncate -s 0 {} + \
    && find . -type d -empty -delete

# What all programs are made of, in layers of what changes less often first: the dependencies,
# until a manifest or the lock file changes, and our own libraries. What was copied is older than
# what was built of the empty sources, which cargo would take for unchanged, so it is touched.
FROM ${RUST_IMAGE} AS libraries
ARG CARGO_BUILD_JOBS=default
ENV CARGO_BUILD_JOBS=${CARGO_BUILD_JOBS}
WORKDIR /twofold
COPY .docker/build.sh /usr/local/bin/build-programs
COPY --from=manifests /twofold .
RUN build-programs
COPY shared shared
RUN find shared -name '*.rs' -exec touch {} + && build-programs

# One program. A change of its sources rebuilds no other.
FROM libraries AS build
ARG PROGRAM
ARG SOURCES
COPY ${SOURCES} ${SOURCES}
RUN find ${SOURCES} -name '*.rs' -exec touch {} + \
    && build-programs ${PROGRAM} \
    && install -D target/release/${PROGRAM} /programs/${PROGRAM} \
    && mkdir -p /var/lib/twofold

FROM ${RUNTIME_IMAGE}
ARG PROGRAM
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="twofold-${PROGRAM}" \
    org.opencontainers.image.description="Twofold: one shop, built twice" \
    org.opencontainers.image.licenses="MIT OR Apache-2.0" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}"
COPY .docker/healthy.sh /usr/local/bin/healthy
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
# Whatever a program keeps is here, on a volume.
COPY --from=build --chown=10001:10001 /var/lib/twofold /var/lib/twofold
COPY --from=build /programs/${PROGRAM} /usr/local/bin/program
USER 10001:10001
HEALTHCHECK --interval=2s --timeout=2s --start-period=30s --retries=5 CMD ["healthy"]
ENTRYPOINT ["/usr/local/bin/program"]
