# One image a program: `docker build --build-arg PROGRAM=gateway .`; see docs/containers.md.
ARG RUST_IMAGE=rust:1.95-bookworm
ARG RUNTIME_IMAGE=debian:bookworm-slim

# The manifests with empty sources. The layer of dependencies below is made from these alone,
# so it lasts until a manifest or the lock file changes.
FROM ${RUST_IMAGE} AS manifests
WORKDIR /twofold
COPY . .
RUN find . -type f ! -name Cargo.toml ! -name Cargo.lock -delete \
    && for manifest in $(find . -mindepth 2 -name Cargo.toml); do \
        sources="$(dirname "$manifest")/src" \
        && mkdir -p "$sources" \
        && touch "$sources/lib.rs" \
        && echo 'fn main() {}' > "$sources/main.rs"; \
    done

FROM ${RUST_IMAGE} AS build
ARG CARGO_BUILD_JOBS=default
ENV CARGO_BUILD_JOBS=${CARGO_BUILD_JOBS}
WORKDIR /twofold
COPY .docker/build.sh /usr/local/bin/build-programs
COPY --from=manifests /twofold .
RUN build-programs
COPY . .
# The empty sources are newer than the real ones, which cargo would take for unchanged.
RUN find . -path ./target -prune -o -name '*.rs' -exec touch {} + && build-programs /programs

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
COPY --from=build /programs/${PROGRAM} /usr/local/bin/program
# A password's hash takes 19 MiB for a moment. Below this threshold glibc would keep them, one a
# thread: the monolith grew to 576 MiB under the acceptance suite.
ENV MALLOC_MMAP_THRESHOLD_=1048576
USER 10001:10001
HEALTHCHECK --interval=2s --timeout=2s --start-period=30s --retries=5 CMD ["healthy"]
ENTRYPOINT ["/usr/local/bin/program"]
