import { SQSClient } from "@aws-sdk/client-sqs";

/** A client of the local world's SQS: its endpoint counts, not the host in a queue's URL. */
export function localSqsClient({ sqs, region }: { readonly sqs: string; readonly region: string }): SQSClient {
  return new SQSClient({
    endpoint: sqs,
    region,
    useQueueUrlAsEndpoint: false,
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
  });
}
