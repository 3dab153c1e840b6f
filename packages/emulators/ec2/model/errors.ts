/**
 * A refusal as EC2 words it.
 * Codes and texts follow https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html and what people
 * quote from real accounts.
 */
export class Ec2Error extends Error {
  override readonly name = "Ec2Error";
  /** EC2's error code, such as `InvalidNetworkInterfaceID.NotFound`. */
  readonly code: string;
  /** The HTTP status of the answer. */
  readonly status: number;

  constructor(code: string, message: string, status = 400) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

/** An injected fault: the caller never hears an answer. The server cuts the connection when it sees this. */
export class ConnectionDropped extends Error {
  override readonly name = "ConnectionDropped";
}

/** `InvalidParameterValue`, the code that EC2 uses for most values that it does not accept. */
export function invalidValue(message: string): Ec2Error {
  return new Ec2Error("InvalidParameterValue", message);
}

/** `InvalidParameterCombination`: parameters that exclude each other. */
export function invalidCombination(message: string): Ec2Error {
  return new Ec2Error("InvalidParameterCombination", message);
}

/** `DependencyViolation`: something still uses what was to be deleted. */
export function dependencyViolation(kind: string, id: string): Ec2Error {
  return new Ec2Error(
    "DependencyViolation",
    kind === "security group"
      ? `resource ${id} has a dependent object`
      : `The ${kind} '${id}' has dependencies and cannot be deleted.`,
  );
}

/** The value of a parameter that must be there; throws `MissingParameter` with its name on the wire. */
export function required<T>(value: T | undefined, parameter: string): T {
  if (value === undefined || value === "") {
    throw new Ec2Error("MissingParameter", `The request must contain the parameter ${parameter}`);
  }
  return value;
}
