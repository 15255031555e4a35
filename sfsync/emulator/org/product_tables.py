"""The standard objects around products and the history of deals, in the notation of `standard_tables.py`.

Source: Object Reference, Product2, PricebookEntry, OpportunityLineItem and OpportunityHistory [D].
"""

from typing import Final

PRODUCT_OBJECTS: Final[dict[str, tuple[str, str, str, str, str]]] = {
    "Product2": (
        "01t",
        "Product",
        "Products",
        "cudUsfb",
        """
Name              string:255       CULfsgn label=Product_Name
ProductCode       string:255       CUNfsg
Description       textarea:4000    CUN label=Product_Description
IsActive          boolean          CUDfsg label=Active
Family            picklist:255     CUNfsg label=Product_Family
""",
    ),
    "PricebookEntry": (
        "01u",
        "Price Book Entry",
        "Price Book Entries",
        "cudb",
        """
Name              string:255       Nfsgn label=Product_Name
Pricebook2Id      ref:Pricebook2   Cfsg rel=Pricebook2 child=PricebookEntries cascade label=Price_Book_ID
Product2Id        ref:Product2     Cfsg rel=Product2 child=PricebookEntries cascade label=Product_ID
UnitPrice         currency:16,2    CUfs label=List_Price
IsActive          boolean          CUDfsg label=Active
UseStandardPrice  boolean          CUDfsg
ProductCode       string:255       Nfsg
""",
    ),
    "OpportunityLineItem": (
        "00k",
        "Opportunity Product",
        "Opportunity Product",
        "cudUb",
        """
OpportunityId     ref:Opportunity  Cfsg rel=Opportunity child=OpportunityLineItems cascade
SortOrder         int:8            CUNfsg
PricebookEntryId  ref:PricebookEntry CNfsg rel=PricebookEntry child=OpportunityLineItems label=Price_Book_Entry_ID
Product2Id        ref:Product2     Nfsg rel=Product2 child=OpportunityLineItems label=Product_ID
ProductCode       string:255       Nfsg
Name              string:376       Nfsgn label=Opportunity_Product_Name
Quantity          double:12,2      CUfs
Discount          percent:5,2      CUNfs
TotalPrice        currency:18,2    CUNDfs
UnitPrice         currency:18,2    CUNDfs label=Sales_Price
ListPrice         currency:18,2    Nfs
ServiceDate       date             CUNfsg label=Date
Description       string:255       CUNfsg label=Line_Description
""",
    ),
    "OpportunityHistory": (
        "008",
        "Opportunity History",
        "Opportunity History",
        "b",
        """
OpportunityId     ref:Opportunity  fsg rel=Opportunity child=OpportunityHistories cascade
StageName         picklist:255     fsg
Amount            currency:18,2    Nfs
ExpectedRevenue   currency:18,2    Nfs
CloseDate         date             Nfsg
Probability       percent:3,0      Nfs
ForecastCategory  picklist:40      Nfsg
""",
    ),
}
