# The image of hack/image for those who have a daemon: the same script makes the root file system, so its content is the
# same. Built with: docker build --build-arg SOURCE_DATE_EPOCH="$(git log -1 --format=%ct)" --tag headroom .
ARG DEBIAN=debian:bookworm-slim
FROM ${DEBIAN} AS build
WORKDIR /source
COPY hack/setup hack/setup
COPY hack/lib hack/lib
RUN hack/setup --no-cluster && rm -rf /var/lib/apt/lists/*
COPY . .
ARG SOURCE_DATE_EPOCH=0
ARG REVISION=unknown
RUN SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH} hack/image --root /image --sbom /headroom.spdx.json --revision "${REVISION}"

# The bill of materials: docker build --target sbom --output . .
FROM scratch AS sbom
COPY --from=build /headroom.spdx.json /

FROM scratch
COPY --from=build /image /
ARG REVISION=unknown
LABEL org.opencontainers.image.title=Headroom \
      org.opencontainers.image.revision=${REVISION} \
      org.opencontainers.image.licenses=Apache-2.0
ENV PATH=/usr/bin
USER 65532:65532
WORKDIR /
ENTRYPOINT ["/usr/bin/headroom-operator"]
