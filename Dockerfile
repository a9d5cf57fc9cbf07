# One image with the program and ffmpeg, and nothing else but what they need; SERVICE, or the first argument, chooses what
# runs (default the all-in-one).
#   make docker                                     tiktok:dev for this machine
#   docker buildx build --platform linux/amd64,linux/arm64 …   both; compilers always run natively
FROM --platform=$BUILDPLATFORM golang:1.26.8@sha256:0f063af2d465d8dcae54cce04278ada488b96f77b42449c8d071e47d016cc65a AS build
WORKDIR /src
# GOPROXY: another module proxy, e.g. one in the same country.
ARG GOPROXY
ENV CGO_ENABLED=0 GOTOOLCHAIN=local
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY cmd cmd
COPY config config
COPY kitex_gen kitex_gen
COPY pkg pkg
ARG TARGETOS TARGETARCH
ARG VERSION=dev
ARG REVISION=unknown
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -buildvcs=false \
      -ldflags "-s -w -X tiktok/pkg/telemetry.version=$VERSION -X tiktok/pkg/telemetry.revision=$REVISION" -o /out/bin/ ./cmd/tiktok

FROM --platform=$BUILDPLATFORM debian:12.12-slim@sha256:d5d3f9c23164ea16f31852f95bd5959aad1c5e854332fe00f7b3a20fcc9f635c AS rootfs
ARG TARGETARCH
COPY deploy/image/ffmpeg.sh /build/
RUN /build/ffmpeg.sh /rootfs
COPY deploy/image/rootfs.sh /build/
RUN /build/rootfs.sh /rootfs

FROM scratch
COPY --from=rootfs /rootfs /
COPY --chmod=0755 deploy/image/entrypoint.sh /opt/tiktok/entrypoint
COPY --from=build /out/ /opt/tiktok/

ARG VERSION=dev
ARG REVISION=unknown
ARG CREATED=unknown
ARG SOURCE=
LABEL org.opencontainers.image.title="tiktok" \
      org.opencontainers.image.description="A short-video backend: gateway, seven services and the all-in-one" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.created="$CREATED" \
      org.opencontainers.image.source="$SOURCE"

# The root file system may be read-only: only /data (stores of the all-in-one, ffmpeg's work) and /tmp are written to.
ENV PATH=/opt/tiktok/bin:/usr/bin \
    TIKTOK_DATA_DIR=/data \
    TIKTOK_TELEMETRY_LOG_FORMAT=json
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 10001
HEALTHCHECK --interval=5s --timeout=4s --start-period=60s --retries=6 CMD ["/opt/tiktok/entrypoint", "healthcheck"]
ENTRYPOINT ["/usr/bin/tini", "--", "/opt/tiktok/entrypoint"]
