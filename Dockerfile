FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY . .
RUN npm ci --no-audit --no-fund && npm run build

FROM node:24-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app /app
RUN mkdir -p /var/lib/bulkhead && chown node:node /var/lib/bulkhead
USER node
VOLUME /var/lib/bulkhead
EXPOSE 2026
ENTRYPOINT ["node", "packages/cli/dist/main.js"]
CMD ["serve"]
