import { EC2Client } from "@aws-sdk/client-ec2";

/** How long EC2 may take until a connection stands, in milliseconds. */
export const connectionTimeoutMilliseconds = 2_000;

/** How long a call may take in all, in milliseconds: well below the functions' timeout, so that the failure can still be acted upon. */
export const requestTimeoutMilliseconds = 8_000;

/**
 * A client of EC2 that makes one attempt per call: a hidden retry would spend a token of the account's bucket that nobody counted.
 * The endpoint, when it is not AWS's, comes from the SDK's own `AWS_ENDPOINT_URL_EC2`.
 *
 * @see https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html
 */
export const createEc2Client = (options: {
  readonly region: string;
  readonly endpoint?: string | undefined;
}): EC2Client =>
  new EC2Client({
    region: options.region,
    ...(options.endpoint === undefined ? {} : { endpoint: options.endpoint }),
    maxAttempts: 1,
    requestHandler: {
      connectionTimeout: connectionTimeoutMilliseconds,
      requestTimeout: requestTimeoutMilliseconds,
      throwOnRequestTimeout: true,
    },
  });
