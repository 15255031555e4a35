"""The standard objects and their fields, as tables of text.

One line a field: name, type, flags, options. Flags: C createable, U updateable, N nillable, D defaulted
on create, L id lookup, R restricted, f filterable, s sortable, g groupable, n name field, u unique, x
external id. Audit fields and Id are added by the reader (org/standard.py). Source: recorded describes
[R]; Object Reference [D].
"""

from typing import Final

LEAD_SOURCES: Final = ("Web", "Phone Inquiry", "Partner Referral", "Purchased List", "Other")
CONTACT_ROLES: Final = (
    "Business User",
    "Decision Maker",
    "Economic Buyer",
    "Economic Decision Maker",
    "Evaluator",
    "Executive Sponsor",
    "Influencer",
    "Technical Buyer",
    "Other",
)
PICKLISTS: Final[dict[str, tuple[str, ...]]] = {
    "lead_source": LEAD_SOURCES,
    "contact_role": CONTACT_ROLES,
    "opportunity_type": (
        "Existing Customer - Upgrade",
        "Existing Customer - Replacement",
        "Existing Customer - Downgrade",
        "New Customer",
    ),
    "forecast_category": ("Omitted", "Pipeline", "BestCase", "MostLikely", "Forecast", "Closed"),
    "forecast_category_name": ("Omitted", "Pipeline", "Best Case", "Commit", "Closed"),
    "account_type": (
        "Prospect",
        "Customer - Direct",
        "Customer - Channel",
        "Channel Partner / Reseller",
        "Other",
    ),
    "industry": (
        "Apparel",
        "Consulting",
        "Education",
        "Finance",
        "Manufacturing",
        "Retail",
        "Technology",
        "Other",
    ),
    "rating": ("Hot", "Warm", "Cold"),
    "salutation": ("Mr.", "Ms.", "Mrs.", "Dr.", "Prof.", "Mx."),
    "campaign_status": ("Planned", "In Progress", "Completed", "Aborted"),
    "campaign_type": (
        "Conference",
        "Webinar",
        "Trade Show",
        "Public Relations",
        "Partners",
        "Email",
        "Other",
    ),
    "lead_status": (
        "Open - Not Contacted",
        "Working - Contacted",
        "Closed - Converted",
        "Closed - Not Converted",
    ),
}

_ADDRESS: Final = """
{0}Street        textarea:255  CUNfsg
{0}City          string:40     CUNfsg
{0}State         string:80     CUNfsg
{0}PostalCode    string:20     CUNfsg
{0}Country       string:80     CUNfsg
"""

# name: (key prefix, label, plural label, object flags, fields). Object flags: c createable, u updateable,
# d deletable, U undeletable, s searchable, f feed enabled, b recycle bin, o has an owner.
OBJECTS: Final[dict[str, tuple[str, str, str, str, str]]] = {
    "Account": (
        "001",
        "Account",
        "Accounts",
        "cudUsfbo",
        """
MasterRecordId    ref:Account      Nfsg rel=MasterRecord
Name              string:255       CULfsgn label=Account_Name
Type              picklist:255     CUNfsg values=account_type label=Account_Type
ParentId          ref:Account      CUNfsg rel=Parent child=ChildAccounts label=Parent_Account_ID
"""
        + _ADDRESS.format("Billing")
        + _ADDRESS.format("Shipping")
        + """
Phone             phone:40         CUNfsg
Fax               phone:40         CUNfsg
AccountNumber     string:40        CUNfsg
Website           url:255          CUNfsg
Sic               string:20        CUNfsg
Industry          picklist:255     CUNfsg values=industry
AnnualRevenue     currency:18,0    CUNfs
NumberOfEmployees int:8            CUNfsg label=Employees
TickerSymbol      string:20        CUNfsg
Description       textarea:32000   CUN
Rating            picklist:255     CUNfsg values=rating
Site              string:80        CUNfsg
AccountSource     picklist:255     CUNfsg values=lead_source
LastActivityDate  date             Nfsg
""",
    ),
    "Contact": (
        "003",
        "Contact",
        "Contacts",
        "cudUsfbo",
        """
MasterRecordId    ref:Contact      Nfsg rel=MasterRecord
AccountId         ref:Account      CUNfsg rel=Account child=Contacts cascade
LastName          string:80        CUfsg
FirstName         string:40        CUNfsg
Salutation        picklist:40      CUNfsg values=salutation
Name              string:121       Lfsgn label=Full_Name
"""
        + _ADDRESS.format("Mailing")
        + _ADDRESS.format("Other")
        + """
Phone             phone:40         CUNfsg
Fax               phone:40         CUNfsg
MobilePhone       phone:40         CUNfsg
HomePhone         phone:40         CUNfsg
ReportsToId       ref:Contact      CUNfsg rel=ReportsTo
Email             email:80         CUNLfsg
Title             string:128       CUNfsg
Department        string:80        CUNfsg
LeadSource        picklist:255     CUNfsg values=lead_source
Birthdate         date             CUNfsg
Description       textarea:32000   CUN
LastActivityDate  date             Nfsg
""",
    ),
    "Opportunity": (
        "006",
        "Opportunity",
        "Opportunities",
        "cudUsfbo",
        """
AccountId         ref:Account      CUNfsg rel=Account child=Opportunities cascade
IsPrivate         boolean          CUDfsg label=Private
Name              string:120       CULfsgn
Description       textarea:32000   CUN
StageName         picklist:255     CUfsg values=stages label=Stage
Amount            currency:18,2    CUNfs
Probability       percent:3,0      CUNDfs label=Probability_(%)
ExpectedRevenue   currency:18,2    Nfs label=Expected_Amount
TotalOpportunityQuantity double:18,2 CUNfs label=Quantity
CloseDate         date             CUfsg
Type              picklist:255     CUNfsg values=opportunity_type label=Opportunity_Type
NextStep          string:255       CUNfsg
LeadSource        picklist:255     CUNfsg values=lead_source
IsClosed          boolean          Dfsg label=Closed
IsWon             boolean          Dfsg label=Won
ForecastCategory  picklist:40      Rfsg values=forecast_category
ForecastCategoryName picklist:255  CUNDRfsg values=forecast_category_name label=Forecast_Category
CampaignId        ref:Campaign     CUNfsg rel=Campaign child=Opportunities
HasOpportunityLineItem boolean     Dfsg label=Has_Line_Item
Pricebook2Id      ref:Pricebook2   CUNDfsg rel=Pricebook2 child=Opportunities label=Price_Book_ID
LastActivityDate  date             Nfsg label=Last_Activity
LastStageChangeDate datetime       Nfs
FiscalQuarter     int:8            Nfsg
FiscalYear        int:8            Nfsg
Fiscal            string:6         Nfsg label=Fiscal_Period
ContactId         ref:Contact      CNfsg hidden
LastViewedDate    datetime         Nfs
LastReferencedDate datetime        Nfs
HasOpenActivity   boolean          Dg
HasOverdueTask    boolean          Dg
LastAmountChangedHistoryId ref:OpportunityHistory Nfsg
LastCloseDateChangedHistoryId ref:OpportunityHistory Nfsg
""",
    ),
    "OpportunityContactRole": (
        "00K",
        "Opportunity Contact Role",
        "Opportunity Contact Role",
        "cudb",
        """
OpportunityId     ref:Opportunity  Cfsg rel=Opportunity child=OpportunityContactRoles cascade
ContactId         ref:Contact      CUfsg rel=Contact child=OpportunityContactRoles cascade
Role              picklist:40      CUNfsg values=contact_role
IsPrimary         boolean          CUDfsg label=Primary
""",
    ),
    "OpportunityStage": (
        "01J",
        "Opportunity Stage",
        "Opportunity Stage",
        "",
        """
MasterLabel       string:255       Nfsg
ApiName           string:255       NLfsg
IsActive          boolean          Dfsg
SortOrder         int:8            Nfsg
IsClosed          boolean          Dfsg
IsWon             boolean          Dfsg
ForecastCategory  picklist:40      Rfsg values=forecast_category
ForecastCategoryName picklist:255  Nfsg values=forecast_category_name
DefaultProbability percent:3,0     Nfs
Description       string:255       Nfsg
""",
    ),
    "RecordType": (
        "012",
        "Record Type",
        "Record Types",
        "",
        """
Name              string:80        fsgn
DeveloperName     string:80        fsg
NamespacePrefix   string:15        Nfsg
Description       string:255       Nfsg
BusinessProcessId ref:BusinessProcess Nfsg
SobjectType       picklist:40      fsg
IsActive          boolean          Dfsg
""",
    ),
    "User": (
        "005",
        "User",
        "Users",
        "sf",
        """
Username          string:80        Lfsg
LastName          string:80        fsg
FirstName         string:40        Nfsg
Name              string:121       fsgn
Email             email:128        Lfsg
Alias             string:8         fsg
Title             string:80        Nfsg
IsActive          boolean          Dfsg
UserType          picklist:40      Nfsg
TimeZoneSidKey    picklist:40      fsg
LocaleSidKey      picklist:40      fsg
LanguageLocaleKey picklist:40      fsg
FederationIdentifier string:512    Nfsg
ManagerId         ref:User         Nfsg rel=Manager
""",
    ),
    "Campaign": (
        "701",
        "Campaign",
        "Campaigns",
        "cudUsfbo",
        """
Name              string:80        CULfsgn
ParentId          ref:Campaign     CUNfsg rel=Parent child=ChildCampaigns
Type              picklist:255     CUNfsg values=campaign_type
Status            picklist:255     CUNDfsg values=campaign_status
StartDate         date             CUNfsg
EndDate           date             CUNfsg
ExpectedRevenue   currency:18,0    CUNfs
BudgetedCost      currency:18,0    CUNfs
ActualCost        currency:18,0    CUNfs
IsActive          boolean          CUDfsg
Description       textarea:32000   CUN
""",
    ),
    "Pricebook2": (
        "01s",
        "Price Book",
        "Price Books",
        "cudUsb",
        """
Name              string:255       CULfsgn
IsActive          boolean          CUDfsg
IsArchived        boolean          Dfsg
IsStandard        boolean          Dfsg
Description       string:255       CUNfsg
""",
    ),
    "Organization": (
        "00D",
        "Organization",
        "Organizations",
        "",
        """
Name              string:80        fsgn
Country           string:80        Nfsg
InstanceName      string:5         Nfsg
IsSandbox         boolean          Dfsg
IsReadOnly        boolean          Dfsg
LanguageLocaleKey picklist:40      fsg
DefaultLocaleSidKey picklist:40    fsg
TimeZoneSidKey    picklist:40      fsg
FiscalYearStartMonth int:8         Nfsg
UsesStartDateAsFiscalYearName boolean Dfsg
NamespacePrefix   string:15        Nfsg
OrganizationType  picklist:40      Nfsg
TrialExpirationDate datetime       Nfs
""",
    ),
}
