import { Ec2Error } from "../model/errors.ts";
import type { Ec2Model } from "../model/model.ts";

const REGIONS_MAX = 40;

/** The account's models, one for each Region, made when a call first names it: another Region is another, empty world. */
export class Regions {
  readonly #models = new Map<string, Ec2Model>();
  readonly #create: (region: string) => Ec2Model;
  readonly home: string;

  constructor(home: string, create: (region: string) => Ec2Model) {
    this.home = home;
    this.#create = create;
  }

  /** The model of a Region. Throws `SignatureDoesNotMatch` when there can be no such Region. */
  model(region: string): Ec2Model {
    const existing = this.#models.get(region);
    if (existing) return existing;
    if (!/^[a-z]{2}(-[a-z]+){1,2}-\d$/.test(region) || this.#models.size >= REGIONS_MAX) {
      throw new Ec2Error("SignatureDoesNotMatch", "Credential should be scoped to a valid region.", 403);
    }
    const model = this.#create(region);
    this.#models.set(region, model);
    return model;
  }

  /** All models that exist. */
  models(): IterableIterator<Ec2Model> {
    return this.#models.values();
  }

  /**
   * The Region that a request is signed for; the home Region when it is not signed. Signatures are not checked.
   * See https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-signing-elements.html
   */
  regionOf(authorization: string | undefined): string {
    return /Credential=[^/,]+\/\d{8}\/([^/,]+)\//.exec(authorization ?? "")?.[1] ?? this.home;
  }
}
